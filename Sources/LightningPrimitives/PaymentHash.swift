// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// The SHA-256 hash that an HTLC pays to (BOLT 2, `update_add_htlc`).
///
/// Public: invoices and logs may show it.
public struct PaymentHash: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public var description: String { hex }

    /// The first eight hexadecimal digits: enough to follow a payment through the logs.
    public var shortHex: String { String(hex.prefix(8)) }
}

/// The 32-byte preimage of a ``PaymentHash``: proof of payment, and a secret.
///
/// It prints as `[redacted]`; use ``Bytes32/hex`` where the text itself is needed.
public struct Preimage: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public var description: String { "[redacted]" }

    /// SHA-256 of the preimage.
    public var paymentHash: PaymentHash {
        guard let hash = PaymentHash(Array(SHA256.hash(data: bytes))) else {
            preconditionFailure("SHA-256 yields 32 bytes")
        }
        return hash
    }

    /// Draws a preimage from the system's generator.
    public static func random() -> Preimage {
        var generator = SystemRandomNumberGenerator()
        return Preimage(words: (generator.next(), generator.next(), generator.next(), generator.next()))
    }
}
