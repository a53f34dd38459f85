// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// A number added to a key: plain as BIP 32 derives child keys, or x-only as BIP 341 makes output keys.
public struct KeyTweak: Sendable {
    public let value: Scalar
    /// Whether the key is made even first.
    public let isXOnly: Bool

    public init(_ value: Scalar, isXOnly: Bool) {
        self.value = value
        self.isXOnly = isXOnly
    }
}

/// A BIP 340 signature in the making after the draft of BIP 445, whose signers learn only the sum of the nonces.
///
/// The draft may still change what is hashed. Participants count from 0 there and from 1 here.
public struct AggregateNonceSession: Sendable {
    public let group: ThresholdGroup
    /// In ascending order.
    public let signers: [Identifier]
    public let message: [UInt8]
    /// The tweaked key, under which the signature verifies.
    public let verificationKey: Point

    private let shareFactor: Scalar
    private let addend: Scalar
    private let bindingFactor: Scalar
    private let groupNonce: Point
    private let challenge: Scalar

    public init(
        group: ThresholdGroup,
        signers: [Identifier],
        nonce: AggregateNonce,
        tweaks: [KeyTweak] = [],
        message: [UInt8]
    ) throws(FROSTError) {
        try group.requireQuorum(signers)
        self.group = group
        self.signers = signers.sorted()
        self.message = message
        var key = TweakedKey(group.key)
        for tweak in tweaks { try key.apply(tweak.value, isXOnly: tweak.isXOnly) }
        let parity: Scalar = key.point.hasEvenY ? .one : -.one
        verificationKey = key.point
        shareFactor = parity * key.factor
        addend = parity * key.addend
        bindingFactor = Scalar(
            reducing: taggedHash(
                "BIP0445/noncecoef",
                Self.encoded(self.signers) + nonce.bytes + key.point.xOnly + message
            )
        )
        // A sum of infinity is some signer's doing; with G the session goes on and shows whose.
        groupNonce =
            Point.sum([nonce.hiding, nonce.binding?.multiplied(byPublic: bindingFactor)]) ?? .generator
        challenge = schnorrChallenge(nonce: groupNonce, key: key.point, message: message)
    }

    /// Participants as the draft writes them, counted from zero.
    private static func encoded(_ signers: [Identifier]) -> [UInt8] { signers.flatMap { bigEndian($0.number - 1) } }

    /// Makes this signer's part and uses up its nonces, whether it succeeds or not.
    public func sign(
        with share: KeyShare,
        nonces: consuming SigningNonces
    ) throws(FROSTError) -> PartialSignature {
        try group.requireOwn(share)
        guard signers.contains(share.identifier) else { throw .unknownIdentifier(share.identifier) }
        guard nonces.commitment.identifier == share.identifier else { throw .nonceMismatch(share.identifier) }
        let nonce = nonces.hiding + bindingFactor * nonces.binding
        let coefficient = shareCoefficient(of: share.identifier)
        let partial = PartialSignature(
            identifier: share.identifier,
            value: (groupNonce.hasEvenY ? nonce : -nonce) + coefficient * share.secret
        )
        try verify(partial, commitment: nonces.commitment, coefficient: coefficient)
        return partial
    }

    /// Checks one signer's part against what it announced.
    ///
    /// - Throws: ``FROSTError/invalidPartialSignatures(_:)`` with the signer.
    public func verify(_ partial: PartialSignature, commitment: SigningCommitment) throws(FROSTError) {
        let signer = partial.identifier
        guard signers.contains(signer) else { throw .unknownIdentifier(signer) }
        guard commitment.identifier == signer else { throw .nonceMismatch(signer) }
        try verify(partial, commitment: commitment, coefficient: shareCoefficient(of: signer))
    }

    private func verify(
        _ partial: PartialSignature,
        commitment: SigningCommitment,
        coefficient: Scalar
    ) throws(FROSTError) {
        let nonce = Point.sum([commitment.hiding, commitment.binding.multiplied(byPublic: bindingFactor)])
        let share = try group.publicShare(of: partial.identifier).multiplied(byPublic: coefficient)
        guard partial.value.point == Point.sum([groupNonce.hasEvenY ? nonce : nonce.map { -$0 }, share]) else {
            throw .invalidPartialSignatures([partial.identifier])
        }
    }

    /// Adds up the parts of all signers.
    ///
    /// - Throws: ``FROSTError/invalidSignature`` when the sum does not verify; ``verify(_:commitment:)`` tells whose
    ///   part is wrong.
    public func aggregate(_ partials: [PartialSignature]) throws(FROSTError) -> ThresholdSignature {
        try requireDistinct(partials.map(\.identifier))
        for partial in partials where !signers.contains(partial.identifier) {
            throw .unknownIdentifier(partial.identifier)
        }
        for signer in signers where !partials.contains(where: { $0.identifier == signer }) {
            throw .missingIdentifier(signer)
        }
        let sum = partials.reduce(challenge * addend) { $0 + $1.value }
        let signature = ThresholdSignature(form: .bip340, nonce: groupNonce, sum: sum)
        guard signature.verifies(message, key: verificationKey) else { throw .invalidSignature }
        return signature
    }

    private func shareCoefficient(of signer: Identifier) -> Scalar {
        challenge * Interpolation.weight(of: signer, among: signers) * shareFactor
    }
}

extension AggregateNonceSession {
    /// Signs without a first round, as the last signer, who sees the sum of all others' nonces.
    ///
    /// The nonces come from the share and everything that is signed, so the same request gets the same answer and no
    /// other request gets the same nonces.
    ///
    /// - Parameters:
    ///   - others: the sum of all other signers' nonces, neither half infinity; `nil` for who signs alone.
    ///   - randomness: 32 bytes that mask the share while it is hashed, or none.
    public static func signLast(
        with share: KeyShare,
        group: ThresholdGroup,
        signers: [Identifier],
        others: AggregateNonce?,
        tweaks: [KeyTweak] = [],
        message: [UInt8],
        randomness: [UInt8]?
    ) throws(FROSTError) -> (commitment: SigningCommitment, partial: PartialSignature) {
        guard randomness?.count ?? 32 == 32, (others == nil) == (signers.count == 1) else { throw .invalidRequest }
        if let others, others.hiding == nil || others.binding == nil { throw .groupNonceIsInfinity }
        let draft = try AggregateNonceSession(
            group: group,
            signers: signers,
            nonce: others ?? AggregateNonce([]),
            tweaks: tweaks,
            message: message
        )
        let context =
            bigEndian(share.identifier.number - 1) + bigEndian(UInt32(signers.count)) + encoded(draft.signers)
            + (others?.bytes ?? []) + draft.verificationKey.xOnly + bigEndian(UInt64(message.count)) + message
        var seed = randomness.map { masked(share.secret, with: $0) } ?? share.secret.rawBytes
        let pair = noncePair("BIP0445/deterministic/nonce", seed: seed, context: context)
        overwrite(&seed)
        let nonces = SigningNonces(identifier: share.identifier, hiding: pair.hiding, binding: pair.binding)
        guard let nonces else { throw .groupNonceIsInfinity }
        let commitment = nonces.commitment
        let session = try AggregateNonceSession(
            group: group,
            signers: signers,
            nonce: AggregateNonce(
                hiding: Point.sum([commitment.hiding, others?.hiding]),
                binding: Point.sum([commitment.binding, others?.binding])
            ),
            tweaks: tweaks,
            message: message
        )
        return (commitment, try session.sign(with: share, nonces: nonces))
    }
}
