// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// One signature in the making: everything about it that is public, the same for all signers and the coordinator.
public struct SigningSession: Sendable {
    public let suite: Ciphersuite
    public let group: ThresholdGroup
    public let message: [UInt8]
    /// The signers in ascending order.
    public let signers: [Identifier]

    let key: SigningKey
    let challenge: Scalar
    let groupNonce: Point
    let terms: [Identifier: SignerTerms]
    /// What the session adds to both of a signer's nonces; only Pomade's sessions do.
    private let nonceTweaks: [Identifier: Scalar]

    /// What a signer's partial signature is made and checked with.
    struct SignerTerms: Sendable {
        /// As announced.
        let announced: SigningCommitment
        /// With the session's tweak.
        let commitment: SigningCommitment
        let bindingFactor: Scalar
        /// The commitment's two points with the binding factor; `nil` is infinity.
        let nonce: Point?
    }

    /// Prepares a signature from the commitments of all its signers.
    ///
    /// - Throws: ``FROSTError`` when the signers are too few, strangers or named twice, or their nonces cancel out.
    public init(
        suite: Ciphersuite,
        group: ThresholdGroup,
        message: [UInt8],
        commitments: [SigningCommitment]
    ) throws(FROSTError) {
        try self.init(
            suite: suite,
            group: group,
            message: message,
            commitments: commitments,
            keyTweaks: [],
            nonceTweaks: [:]
        )
    }

    init(
        suite: Ciphersuite,
        group: ThresholdGroup,
        message: [UInt8],
        commitments: [SigningCommitment],
        keyTweaks: [Scalar],
        nonceTweaks: [Identifier: Scalar]
    ) throws(FROSTError) {
        let announced = commitments.sorted { $0.identifier < $1.identifier }
        signers = announced.map(\.identifier)
        try group.requireQuorum(signers)
        key = try SigningKey(group.key, suite: suite, tweaks: keyTweaks)
        var tweaked: [SigningCommitment] = []
        for commitment in announced {
            tweaked.append(try commitment.tweaked(by: nonceTweaks[commitment.identifier] ?? .zero))
        }
        let prefix = Self.bindingPrefix(key: key.point, message: message, commitments: tweaked, suite: suite)
        var terms: [Identifier: SignerTerms] = [:]
        for (announced, commitment) in zip(announced, tweaked) {
            let factor = suite.hash.bindingFactor(prefix + commitment.identifier.bytes)
            terms[commitment.identifier] = SignerTerms(
                announced: announced,
                commitment: commitment,
                bindingFactor: factor,
                nonce: Point.sum([commitment.hiding, commitment.binding.multiplied(byPublic: factor)])
            )
        }
        guard let groupNonce = Point.sum(signers.map { terms[$0]?.nonce }) else { throw .groupNonceIsInfinity }
        self.suite = suite
        self.group = group
        self.message = message
        self.terms = terms
        self.groupNonce = groupNonce
        self.nonceTweaks = nonceTweaks
        challenge = suite.challenge(nonce: groupNonce, key: key.point, message: message)
    }

    /// What is hashed before each signer's number (RFC 9591 section 4.4).
    static func bindingPrefix(
        key: Point,
        message: [UInt8],
        commitments: [SigningCommitment],
        suite: Ciphersuite
    ) -> [UInt8] {
        let list = commitments.flatMap { $0.identifier.bytes + $0.hiding.compressed + $0.binding.compressed }
        return key.compressed + suite.hash.message(message) + suite.hash.commitments(list)
    }

    private var isNonceNegated: Bool { suite.form == .bip340 && !groupNonce.hasEvenY }

    func terms(of identifier: Identifier) throws(FROSTError) -> SignerTerms {
        guard let terms = terms[identifier] else { throw .unknownIdentifier(identifier) }
        return terms
    }
}

extension SigningSession {
    /// Makes this signer's partial signature and uses up its nonces, whether it succeeds or not.
    ///
    /// The result is verified before it is given out: a miscalculation, by accident or provoked, could expose the share.
    public func sign(
        with share: KeyShare,
        nonces: consuming SigningNonces
    ) throws(FROSTError) -> PartialSignature {
        try group.requireOwn(share)
        let terms = try terms(of: share.identifier)
        guard nonces.commitment == terms.announced else { throw .nonceMismatch(share.identifier) }
        let tweak = nonceTweaks[share.identifier] ?? .zero
        let nonce = (nonces.hiding + tweak) + (nonces.binding + tweak) * terms.bindingFactor
        let coefficient = shareCoefficient(of: share.identifier)
        let partial = PartialSignature(
            identifier: share.identifier,
            value: (isNonceNegated ? -nonce : nonce) + coefficient * share.secret
        )
        try verify(partial, coefficient: coefficient)
        return partial
    }

    /// The factor with which a signer's share enters the sum.
    func shareCoefficient(of signer: Identifier) -> Scalar {
        challenge * Interpolation.weight(of: signer, among: signers) * key.shareFactor
    }

    /// Checks one signer's part.
    ///
    /// - Throws: ``FROSTError/invalidPartialSignatures(_:)`` with the signer.
    public func verify(_ partial: PartialSignature) throws(FROSTError) {
        _ = try terms(of: partial.identifier)
        try verify(partial, coefficient: shareCoefficient(of: partial.identifier))
    }

    private func verify(_ partial: PartialSignature, coefficient: Scalar) throws(FROSTError) {
        let terms = try terms(of: partial.identifier)
        let publicShare = try group.publicShare(of: partial.identifier)
        let expected = Point.sum([
            isNonceNegated ? terms.nonce.map { -$0 } : terms.nonce,
            publicShare.multiplied(byPublic: coefficient),
        ])
        guard partial.value.point == expected else { throw .invalidPartialSignatures([partial.identifier]) }
    }

    /// Adds up the parts of all signers, and names those whose part is wrong if the signature does not verify.
    public func aggregate(_ partials: [PartialSignature]) throws(FROSTError) -> ThresholdSignature {
        try requireDistinct(partials.map(\.identifier))
        for partial in partials { _ = try terms(of: partial.identifier) }
        let given = Set(partials.map(\.identifier))
        for signer in signers where !given.contains(signer) { throw .missingIdentifier(signer) }
        let sum = partials.reduce(challenge * key.addend) { $0 + $1.value }
        let signature = ThresholdSignature(form: suite.form, nonce: groupNonce, sum: sum)
        if signature.verifies(message, key: key.point) { return signature }
        let culprits = partials.filter { partial in
            do throws(FROSTError) {
                try verify(partial)
                return false
            } catch { return true }
        }
        guard culprits.isEmpty else {
            throw .invalidPartialSignatures(culprits.map(\.identifier).sorted())
        }
        throw .invalidSignature
    }

    /// The key under which the signature verifies.
    public var verificationKey: Point { key.point }
}

extension SigningCommitment {
    fileprivate func tweaked(by tweak: Scalar) throws(FROSTError) -> SigningCommitment {
        if tweak.isZero { return self }
        let point = tweak.point
        guard let hiding = Point.sum([hiding, point]), let binding = Point.sum([binding, point]) else {
            throw .groupNonceIsInfinity
        }
        return SigningCommitment(identifier: identifier, hiding: hiding, binding: binding)
    }
}
