// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a stranger says happened when they used a service.
public struct CrowdReport: Sendable, Hashable {
    /// How the call went.
    public enum Outcome: String, Sendable, Hashable, CaseIterable, Codable {
        case delivered
        case delivery4xx = "delivery_4xx"
        case delivery5xx = "delivery_5xx"
        case timeout
        case payFailed = "pay_failed"

        /// The stage that the outcome speaks of.
        public var stage: Stage { self == .payFailed ? .payment : .delivery }
        public var isSuccess: Bool { self == .delivered }
    }

    /// That the reporter paid the service.
    public struct Payment: Sendable, Hashable {
        /// The hash of the payment.
        public let hash: [UInt8]
        /// Whether the preimage that came with the report hashes to it.
        public let isPreimageValid: Bool
        /// The service's own invoice, if the report carries it.
        public let invoice: Invoice?

        public init(hash: [UInt8], isPreimageValid: Bool, invoice: Invoice? = nil) {
            self.hash = hash
            self.isPreimageValid = isPreimageValid
            self.invoice = invoice
        }
    }

    /// A decoded BOLT 11 invoice for the payment's hash.
    public struct Invoice: Sendable, Hashable {
        /// Whether its signature is the payee's.
        public let isSignatureValid: Bool
        public let payee: [UInt8]
        /// In msat; `nil` when the payer chose.
        public let amountMsat: Int64?
        /// Unix seconds.
        public let timestamp: Int64

        public init(isSignatureValid: Bool, payee: [UInt8], amountMsat: Int64?, timestamp: Int64) {
            self.isSignatureValid = isSignatureValid
            self.payee = payee
            self.amountMsat = amountMsat
            self.timestamp = timestamp
        }
    }

    /// The reporter's key.
    public let identity: [UInt8]
    /// The hash of the service's URL.
    public let endpoint: [UInt8]
    public let outcome: Outcome
    /// Unix seconds, as the reporter says.
    public let createdAt: Int64
    /// Unix seconds, by our clock.
    public let receivedAt: Int64
    /// Leading zero bits of the event's id (NIP-13).
    public let powBits: Int
    public let payment: Payment?

    public init(
        identity: [UInt8],
        endpoint: [UInt8],
        outcome: Outcome,
        createdAt: Int64,
        receivedAt: Int64,
        powBits: Int,
        payment: Payment? = nil
    ) {
        self.identity = identity
        self.endpoint = endpoint
        self.outcome = outcome
        self.createdAt = createdAt
        self.receivedAt = receivedAt
        self.powBits = powBits
        self.payment = payment
    }

    /// Leading zero bits of an event id.
    public static func leadingZeroBits(of id: some Sequence<UInt8>) -> Int {
        var bits = 0
        for byte in id {
            bits += byte.leadingZeroBitCount
            if byte != 0 { break }
        }
        return bits
    }
}
