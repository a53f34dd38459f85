// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// The name of one token: 32 bytes, of which the first is the epoch of the key that signs it.
public struct TokenID: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public var description: String { hex }

    /// Which secret of the key ring the token's root key derives from.
    public var epoch: UInt8 { UInt8(truncatingIfNeeded: words.0 >> 56) }

    /// Draws a token id for an epoch; the other 31 bytes are random.
    public static func random(epoch: UInt8) -> TokenID {
        var generator = SystemRandomNumberGenerator()
        let first = UInt64(epoch) << 56 | generator.next() >> 8
        return TokenID(words: (first, generator.next(), generator.next(), generator.next()))
    }
}

/// The identifier of an L402 macaroon: version 0, payment hash, token id; exactly 66 bytes.
///
/// Source: L402 macaroons.md, "macaroon identifier", version 0.
public struct L402Identifier: Sendable, Hashable {
    public let paymentHash: PaymentHash
    public let tokenID: TokenID

    public init(paymentHash: PaymentHash, tokenID: TokenID) {
        self.paymentHash = paymentHash
        self.tokenID = tokenID
    }

    /// Reads an identifier, or returns `nil` unless it has 66 bytes and version 0.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 66, bytes[0] == 0, bytes[1] == 0,
            let paymentHash = PaymentHash(bytes[2..<34]), let tokenID = TokenID(bytes[34..<66])
        else { return nil }
        self.init(paymentHash: paymentHash, tokenID: tokenID)
    }

    /// The 66 bytes.
    public var bytes: [UInt8] { [0, 0] + paymentHash.bytes + tokenID.bytes }
}
