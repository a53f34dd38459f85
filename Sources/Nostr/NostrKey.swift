// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import Secp256k1

/// A public key as Nostr writes it: the x coordinate of a point, 32 bytes (NIP-01, BIP 340).
///
/// Only the form is checked. That x belongs to a point comes out when a signature is verified.
public struct NostrKey: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// The public half of a secret.
    public init(_ secret: SecretKey) {
        guard let key = NostrKey(secret.publicKey.xOnly) else { preconditionFailure("x has 32 bytes") }
        self = key
    }

    public var description: String { hex }
}

/// The name of an event: SHA-256 of its canonical form (NIP-01).
public struct EventID: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// The proof of work in it (NIP-13): how many bits are zero before the first one, 0 to 256.
    public var leadingZeroBits: Int {
        var zeros = 0
        for word in [words.0, words.1, words.2, words.3] {
            zeros += word.leadingZeroBitCount
            if word != 0 { break }
        }
        return zeros
    }

    public var description: String { hex }
}
