// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Bolt11
public import LightningPrimitives

/// Whether an invoice of a challenge could be paid: the free stage 2.
public enum InvoiceCheck: String, Sendable, Hashable, CaseIterable, Codable {
    case valid
    case decodeFailed = "decode_failed"
    case wrongNetwork = "wrong_network"
    case noPayee = "no_payee"
    case expired
    case amountMismatch = "amount_mismatch"

    /// What the check looks at; the first that is wrong decides.
    public struct Facts: Sendable, Hashable {
        public var network: BitcoinNetwork
        public var hasPayee: Bool
        /// Unix seconds.
        public var timestamp: Int64
        /// Seconds of life; 3600 when the invoice does not say (BOLT 11).
        public var expirySeconds: Int64
        /// `nil` leaves the amount to the payer.
        public var amount: MilliSatoshi?

        public init(
            network: BitcoinNetwork,
            hasPayee: Bool = true,
            timestamp: Int64,
            expirySeconds: Int64 = 3600,
            amount: MilliSatoshi?
        ) {
            self.network = network
            self.hasPayee = hasPayee
            self.timestamp = timestamp
            self.expirySeconds = expirySeconds
            self.amount = amount
        }
    }

    /// What an invoice must still have left, in seconds.
    public static let margin: Int64 = 60

    /// Checks facts.
    ///
    /// - Parameters:
    ///   - advertised: the price a directory names; an invoice may ask for half to one and a half times as much.
    ///   - now: Unix seconds.
    public init(_ facts: Facts, network: BitcoinNetwork, advertised: MilliSatoshi?, now: Int64) {
        let (end, overflow) = facts.timestamp.addingReportingOverflow(facts.expirySeconds)
        if facts.network != network {
            self = .wrongNetwork
        } else if !facts.hasPayee {
            self = .noPayee
        } else if !overflow, end < now + Self.margin {
            self = .expired
        } else if !Self.isNear(facts.amount, advertised) {
            self = .amountMismatch
        } else {
            self = .valid
        }
    }

    /// An invoice without an amount has no price, so it is never what a directory says.
    private static func isNear(_ amount: MilliSatoshi?, _ advertised: MilliSatoshi?) -> Bool {
        guard let amount, amount > .zero else { return false }
        guard let advertised, advertised > .zero else { return true }
        let ratio = Double(amount.msat) / Double(advertised.msat)
        return (0.5...1.5).contains(ratio)
    }

    /// Decodes and checks the invoice of a challenge.
    ///
    /// - Returns: the result and, when it could be decoded, the invoice.
    public static func check(
        _ text: String,
        network: BitcoinNetwork,
        advertised: MilliSatoshi?,
        now: Int64
    ) -> (check: InvoiceCheck, invoice: Bolt11Invoice?) {
        do {
            let invoice = try Bolt11Invoice(parsing: text)
            let facts = Facts(
                network: invoice.network,
                timestamp: invoice.contents.timestamp,
                expirySeconds: invoice.contents.expirySeconds,
                amount: invoice.amount
            )
            return (InvoiceCheck(facts, network: network, advertised: advertised, now: now), invoice)
        } catch {
            // Without a key that can be recovered nobody is named to be paid.
            return (error.code == .notRecoverable ? .noPayee : .decodeFailed, nil)
        }
    }
}
