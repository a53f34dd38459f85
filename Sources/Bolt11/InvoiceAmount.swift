// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// The human-readable part: `ln`, currency, amount with multiplier.
enum InvoiceAmount {
    /// msat per unit; `p` (pico-bitcoin) is a tenth of a millisatoshi and handled apart.
    private static let multipliers: [UInt8: Int64] = [
        UInt8(ascii: "m"): 100_000_000, UInt8(ascii: "u"): 100_000, UInt8(ascii: "n"): 100,
    ]
    private static let bitcoin: Int64 = 100_000_000_000

    static func read(_ hrp: [UInt8]) throws(Bolt11Error) -> (network: BitcoinNetwork, amount: MilliSatoshi?) {
        let text = String(decoding: hrp, as: UTF8.self)
        guard text.hasPrefix("ln") else { throw Bolt11Error(.badPrefix, "does not begin with 'ln'") }
        let rest = text.dropFirst(2)
        // The longest prefix first: bcrt before bc, tbs before tb.
        let networks = BitcoinNetwork.allCases.sorted { $0.currencyPrefix.count > $1.currencyPrefix.count }
        for network in networks where rest.hasPrefix(network.currencyPrefix) {
            let amount = rest.dropFirst(network.currencyPrefix.count)
            guard !amount.isEmpty else { return (network, nil) }
            // "tbs" may also be "tb" with an amount that begins with "s": no amount does.
            return (network, try parse(Array(amount.utf8)))
        }
        throw Bolt11Error(.badPrefix, "an unknown currency")
    }

    private static func parse(_ bytes: [UInt8]) throws(Bolt11Error) -> MilliSatoshi {
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let suffix = bytes[digits.count...]
        guard !digits.isEmpty, digits.first != UInt8(ascii: "0") else {
            throw Bolt11Error(.badAmount, "the amount is empty or has a leading zero")
        }
        guard suffix.count <= 1 else { throw Bolt11Error(.badMultiplier, "more than one letter after the amount") }
        guard let number = Int64(String(decoding: digits, as: UTF8.self)) else {
            throw Bolt11Error(.badAmount, "the amount is too large")
        }
        let amount = MilliSatoshi(msat: try msat(number, multiplier: suffix.first))
        guard amount <= .supply else { throw Bolt11Error(.badAmount, "more than there is bitcoin") }
        return amount
    }

    private static func msat(_ number: Int64, multiplier: UInt8?) throws(Bolt11Error) -> Int64 {
        guard multiplier != UInt8(ascii: "p") else {
            guard number.isMultiple(of: 10) else { throw Bolt11Error(.subMsat, "a fraction of a millisatoshi") }
            return number / 10
        }
        guard let factor = multiplier.map({ multipliers[$0] }) ?? bitcoin else {
            throw Bolt11Error(.badMultiplier, "an unknown multiplier")
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw Bolt11Error(.badAmount, "the amount is too large") }
        return product
    }

    /// Writes the amount in its shortest form.
    static func write(_ network: BitcoinNetwork, _ amount: MilliSatoshi?) -> [UInt8] {
        let prefix = "ln\(network.currencyPrefix)"
        guard let msat = amount?.msat else { return Array(prefix.utf8) }
        let text: String
        if msat.isMultiple(of: bitcoin) {
            text = "\(msat / bitcoin)"
        } else if msat.isMultiple(of: 100_000_000) {
            text = "\(msat / 100_000_000)m"
        } else if msat.isMultiple(of: 100_000) {
            text = "\(msat / 100_000)u"
        } else if msat.isMultiple(of: 100) {
            text = "\(msat / 100)n"
        } else {
            text = "\(msat)0p"
        }
        return Array((prefix + text).utf8)
    }
}
