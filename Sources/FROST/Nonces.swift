// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// What a signer announces of its two nonces before a signature (RFC 9591 section 5.1).
public struct SigningCommitment: Sendable, Hashable {
    public let identifier: Identifier
    public let hiding: Point
    public let binding: Point

    public init(identifier: Identifier, hiding: Point, binding: Point) {
        self.identifier = identifier
        self.hiding = hiding
        self.binding = binding
    }
}

/// The two secret nonces of one signer for one signature.
///
/// Two signatures with the same nonces give the share away.
/// So nobody can copy, store, read or choose these: they are drawn here, ``SigningSession/sign(with:nonces:)`` takes
/// them out of their owner's hands whether it succeeds or not, and their memory is overwritten then.
public struct SigningNonces: ~Copyable, Sendable {
    let hiding: Scalar
    let binding: Scalar
    /// What to announce.
    public let commitment: SigningCommitment

    /// Draws fresh nonces.
    ///
    /// The share is hashed in with the randomness, so that a weak generator alone does not expose it.
    public static func generate(for share: KeyShare, suite: Ciphersuite) -> SigningNonces {
        while true {
            let nonces = SigningNonces(
                hidingRandomness: Scalar.random(),
                bindingRandomness: Scalar.random(),
                share: share,
                suite: suite
            )
            // Either is zero once in 2^256 draws.
            if let nonces { return nonces }
        }
    }

    init?(hidingRandomness: Scalar, bindingRandomness: Scalar, share: KeyShare, suite: Ciphersuite) {
        self.init(
            identifier: share.identifier,
            hiding: suite.hash.nonce(randomness: hidingRandomness, secret: share.secret),
            binding: suite.hash.nonce(randomness: bindingRandomness, secret: share.secret)
        )
    }

    init?(identifier: Identifier, hiding: Scalar, binding: Scalar) {
        guard let hidingPoint = hiding.point, let bindingPoint = binding.point else { return nil }
        self.hiding = hiding
        self.binding = binding
        commitment = SigningCommitment(identifier: identifier, hiding: hidingPoint, binding: bindingPoint)
    }
}
