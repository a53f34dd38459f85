// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// Reads the quantities of a services file; each needs its unit.
enum Quantity {
    /// `2sat`, `1500msat` or `0`; at most the supply.
    static func price(_ text: String) -> MilliSatoshi? {
        if text == "0" { return .zero }
        guard let (number, unit) = split(text) else { return nil }
        let price: MilliSatoshi? =
            switch unit {
            case "msat": MilliSatoshi(msat: number)
            case "sat", "sats": MilliSatoshi(exactlySat: number)
            default: nil
            }
        return price.flatMap { $0 <= .supply ? $0 : nil }
    }

    /// `500ms`, `5s`, `10m`, `2h` or `30d`; more than nothing.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text), number > 0, number <= 1_000_000_000 else { return nil }
        switch unit {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "d": return .seconds(number * 86_400)
        default: return nil
        }
    }

    /// `512B`, `64KiB`, `10MiB` or `1GiB`, in bytes.
    static func size(_ text: String) -> Int? {
        guard let (number, unit) = split(text), number <= 1 << 40 else { return nil }
        let factor: Int64? =
            switch unit {
            case "B": 1
            case "KiB": 1 << 10
            case "MiB": 1 << 20
            case "GiB": 1 << 30
            default: nil
            }
        guard let factor else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : Int(exactly: bytes)
    }

    private static func split(_ text: String) -> (Int64, String)? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard (1...19).contains(digits.count), let number = Int64(String(Substring(digits))) else { return nil }
        let unit = String(text.utf8.dropFirst(digits.count)) ?? ""
        return (number, String(unit.drop { $0 == " " }))
    }
}
