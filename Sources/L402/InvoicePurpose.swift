// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives

/// What an invoice of ours is for.
public enum InvoicePurpose: UInt8, Sendable, Hashable {
    /// Requests on a route.
    case call = 1
    /// A balance to spend on any route.
    case deposit = 2
    /// A replacement of another token, whose balance is carried over.
    case upgrade = 3
}

extension KeyRing {
    /// Draws the preimage of a new invoice.
    ///
    /// It says what the invoice is for and that this ring made it, so nothing has to be stored for an invoice that
    /// nobody may ever pay, and no other invoice of the same node is taken for one of ours. 14 bytes are random, and the
    /// last 16 are an HMAC, so it cannot be guessed.
    public func preimage(for purpose: InvoicePurpose) -> Preimage {
        var generator = SystemRandomNumberGenerator()
        let head =
            [mintEpoch, purpose.rawValue] + (0..<14).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        guard let tag = derive(Self.preimageLabel, head, epoch: mintEpoch),
            let preimage = Preimage(head + tag.prefix(16))
        else { preconditionFailure("the minting epoch is never unknown or retired") }
        return preimage
    }

    /// What the invoice of a preimage was for, or `nil` when this ring did not make it.
    ///
    /// Retired epochs count too: their tokens are refused, but a payment stays a payment, so that a deposit's payer gets
    /// a new token. A leaked secret does not help a thief: preimages are chosen here, not by payers.
    public func purpose(of preimage: Preimage) -> InvoicePurpose? {
        let bytes = preimage.bytes
        guard let purpose = InvoicePurpose(rawValue: bytes[1]),
            let tag = derive(Self.preimageLabel, Array(bytes.prefix(16)), epoch: bytes[0], retiredToo: true),
            constantTimeEqual(Array(tag.prefix(16)), Array(bytes.suffix(16)))
        else { return nil }
        return purpose
    }

    /// 16 bytes for a text that nobody else can make, and that every process with this ring makes alike.
    public func salt(for text: String) -> [UInt8] {
        guard let bytes = derive("assay/l402/salt/1", Array(text.utf8), epoch: mintEpoch) else {
            preconditionFailure("the minting epoch is never unknown or retired")
        }
        return Array(bytes.prefix(16))
    }

    /// A secret of 32 bytes for a purpose, derived from the epoch that mints.
    public func secret(for purpose: String) -> [UInt8] {
        guard let bytes = derive("assay/l402/secret/1", Array(purpose.utf8), epoch: mintEpoch) else {
            preconditionFailure("the minting epoch is never unknown or retired")
        }
        return bytes
    }

    /// The secrets for a purpose of every epoch that verifies, the minting one first.
    public func secrets(for purpose: String) -> [[UInt8]] {
        [secret(for: purpose)]
            + verifyingEpochs.filter { $0 != mintEpoch }.compactMap {
                derive("assay/l402/secret/1", Array(purpose.utf8), epoch: $0)
            }
    }

    private static let preimageLabel = "assay/l402/preimage/1"
}
