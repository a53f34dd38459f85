// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// One signer's part of a Diffie-Hellman exchange between the group and another key.
public struct ExchangePart: Sendable {
    public let identifier: Identifier
    public let point: Point
    /// Shows, when there is one, that the part was made with the signer's share (Chaum and Pedersen).
    public let proof: Proof?

    /// Two numbers, both public.
    public struct Proof: Sendable, Equatable {
        public let challenge: Scalar
        public let answer: Scalar

        public init(challenge: Scalar, answer: Scalar) {
            self.challenge = challenge
            self.answer = answer
        }
    }

    public init(identifier: Identifier, point: Point, proof: Proof? = nil) {
        self.identifier = identifier
        self.point = point
        self.proof = proof
    }
}

extension ThresholdGroup {
    /// Multiplies another key by this share's part of the group's secret, in constant time.
    ///
    /// - Parameters:
    ///   - other: the other side's key. The base point is refused: it would be answered with the public key.
    ///   - members: all who give a part, at least ``threshold``, with this share's participant among them.
    ///   - isProven: whether to add a proof.
    public func exchangePart(
        with other: Point,
        share: KeyShare,
        members: [Identifier],
        isProven: Bool = false
    ) throws(FROSTError) -> ExchangePart {
        try requireQuorum(members)
        try requireOwn(share)
        guard members.contains(share.identifier) else { throw .missingIdentifier(share.identifier) }
        guard other.xOnly != Point.generator.xOnly else { throw .invalidRequest }
        let secret = Interpolation.weight(of: share.identifier, among: members) * share.secret
        guard let point = other.multiplied(bySecret: secret), let own = secret.point else {
            throw .invalidShare(share.identifier)
        }
        var proof: ExchangePart.Proof?
        if isProven {
            let nonce = Scalar.random()
            let challenge = exchangeChallenge(own, other, point, nonce.point, other.multiplied(bySecret: nonce))
            proof = ExchangePart.Proof(challenge: challenge, answer: nonce + challenge * secret)
        }
        return ExchangePart(identifier: share.identifier, point: point, proof: proof)
    }

    /// Checks a part's proof against the signer's public share.
    ///
    /// - Throws: ``FROSTError/invalidProof(_:)`` when there is none or it is wrong.
    public func verify(_ part: ExchangePart, with other: Point, members: [Identifier]) throws(FROSTError) {
        try requireQuorum(members)
        guard members.contains(part.identifier) else { throw .unknownIdentifier(part.identifier) }
        let weight = Interpolation.weight(of: part.identifier, among: members)
        guard let proof = part.proof, let own = try publicShare(of: part.identifier).multiplied(byPublic: weight) else {
            throw .invalidProof(part.identifier)
        }
        let negative = -proof.challenge
        let expected = exchangeChallenge(
            own,
            other,
            part.point,
            Point.sum([proof.answer.point, own.multiplied(byPublic: negative)]),
            Point.sum([other.multiplied(byPublic: proof.answer), part.point.multiplied(byPublic: negative)])
        )
        guard expected == proof.challenge else { throw .invalidProof(part.identifier) }
    }

    /// Adds up the parts of all members into the point that both sides share.
    public func sharedPoint(from parts: [ExchangePart]) throws(FROSTError) -> Point {
        try requireQuorum(parts.map(\.identifier))
        guard let sum = Point.sum(parts.map(\.point)) else { throw .zeroKey }
        return sum
    }
}

/// What a proof answers: a hash of all points, of which the nonces' are `nil` only in a forgery.
private func exchangeChallenge(
    _ own: Point,
    _ other: Point,
    _ part: Point,
    _ nonce: Point?,
    _ otherNonce: Point?
) -> Scalar {
    let points = [Point.generator, own, other, part, nonce, otherNonce]
    return Scalar(reducing: taggedHash("pomade/dleq", points.flatMap { $0?.compressed ?? [0] }))
}
