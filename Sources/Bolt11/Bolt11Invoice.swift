// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import Secp256k1

/// A Lightning invoice (BOLT 11), parsed and with a valid signature.
public struct Bolt11Invoice: Sendable, Hashable {
    /// One hop of a private route to the payee.
    public struct Hop: Sendable, Hashable {
        public let node: NodeID
        public let shortChannelID: ShortChannelID
        public let feeBase: MilliSatoshi
        /// Parts per million.
        public let feeRate: UInt32
        public let cltvExpiryDelta: UInt16

        public init(
            node: NodeID,
            shortChannelID: ShortChannelID,
            feeBase: MilliSatoshi,
            feeRate: UInt32,
            cltvExpiryDelta: UInt16
        ) {
            self.node = node
            self.shortChannelID = shortChannelID
            self.feeBase = feeBase
            self.feeRate = feeRate
            self.cltvExpiryDelta = cltvExpiryDelta
        }
    }

    /// An on-chain address for payers without a route.
    public struct Fallback: Sendable, Hashable {
        /// 17 P2PKH, 18 P2SH, 0 to 16 a witness version.
        public let version: UInt8
        /// The hash or witness program.
        public let program: [UInt8]

        public init(version: UInt8, program: [UInt8]) {
            self.version = version
            self.program = program
        }
    }

    /// What the invoice says, signed or not.
    public struct Contents: Sendable, Hashable {
        public var network: BitcoinNetwork
        /// The amount asked for; `nil` leaves it to the payer.
        public var amount: MilliSatoshi?
        /// When it was made, in Unix seconds (35 bits).
        public var timestamp: Int64
        public var paymentHash: PaymentHash
        /// Lets the payee know that the sender has the invoice, 32 bytes.
        public var paymentSecret: [UInt8]
        /// UTF-8 text, at most 639 bytes; exactly one of this and the hash is set.
        public var description: String?
        /// SHA-256 of a longer description, 32 bytes.
        public var descriptionHash: [UInt8]?
        /// Seconds until it expires, counted from the timestamp; default 3600.
        public var expirySeconds: Int64 = 3600
        /// Blocks the last hop's time lock must leave; default 18.
        public var minFinalCLTVExpiryDelta: Int64 = 18
        public var routeHints: [[Hop]] = []
        public var fallbacks: [Fallback] = []
        /// Bit numbers (BOLT 9), ascending.
        public var features: [Int] = []
        public var metadata: [UInt8]?
        /// Whether the payee's key is written out (field n) instead of being recovered from the signature.
        public var namesPayee = false

        public init(
            network: BitcoinNetwork,
            amount: MilliSatoshi?,
            timestamp: Int64,
            paymentHash: PaymentHash,
            paymentSecret: [UInt8]
        ) {
            self.network = network
            self.amount = amount
            self.timestamp = timestamp
            self.paymentHash = paymentHash
            self.paymentSecret = paymentSecret
        }
    }

    public let contents: Contents
    /// The node that is paid.
    public let payee: NodeID
    public let signature: RecoverableSignature
    /// The SHA-256 hash that is signed.
    public let signedHash: [UInt8]
    /// The human-readable part and the data that are signed.
    public let signedData: [UInt8]
    /// Fields that were unknown or had a wrong length, and were skipped.
    public let skippedFields: Int
    /// The text, lower case.
    public let text: String

    public var network: BitcoinNetwork { contents.network }
    public var amount: MilliSatoshi? { contents.amount }
    public var paymentHash: PaymentHash { contents.paymentHash }
    public var paymentSecret: [UInt8] { contents.paymentSecret }
    public var description: String? { contents.description }
    public var descriptionHash: [UInt8]? { contents.descriptionHash }

    /// When it stops being payable, in Unix seconds.
    public var expiresAt: Int64 {
        let (sum, overflow) = contents.timestamp.addingReportingOverflow(contents.expirySeconds)
        return overflow ? .max : sum
    }
}

/// The tagged fields of BOLT 11 by their 5-bit type.
enum FieldTag: UInt8 {
    case paymentHash = 1
    case routeHint = 3
    case features = 5
    case expiry = 6
    case fallback = 9
    case description = 13
    case paymentSecret = 16
    case payee = 19
    case descriptionHash = 23
    case minFinalCLTVExpiryDelta = 24
    case metadata = 27
}
