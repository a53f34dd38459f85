// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// A secret polynomial modulo n, whose value at zero is the secret and elsewhere a share (RFC 9591 appendix C).
struct Polynomial: Sendable {
    /// From the constant upwards; as many as the threshold.
    let coefficients: [Scalar]

    init(coefficients: [Scalar]) { self.coefficients = coefficients }

    /// A polynomial with a given constant and fresh random coefficients.
    init(constant: Scalar, threshold: Int) {
        coefficients = [constant] + (1..<max(threshold, 1)).map { _ in .random() }
    }

    func value(at identifier: Identifier) -> Scalar {
        let x = identifier.scalar
        return coefficients.reversed().reduce(.zero) { $0 * x + $1 }
    }

    /// The commitment to this polynomial, or `nil` when a coefficient other than the constant is zero.
    var commitment: SharingCommitment? {
        let points = coefficients.dropFirst().compactMap(\.point)
        guard points.count == coefficients.count - 1 else { return nil }
        return SharingCommitment(constant: coefficients[0].point, rest: points)
    }
}

/// A dealer's commitment to its polynomial, with which each receiver checks its share (Feldman's VSS).
public struct SharingCommitment: Sendable, Hashable {
    /// The secret times G; `nil` (infinity) in a refresh, whose polynomials are zero at zero.
    public let constant: Point?
    /// The other coefficients times G, from the first degree upwards.
    public let rest: [Point]

    public init(constant: Point?, rest: [Point]) {
        self.constant = constant
        self.rest = rest
    }

    /// How many shares make the secret.
    public var threshold: Int { rest.count + 1 }

    /// The public share that belongs to a participant; `nil` is infinity.
    public func publicShare(of identifier: Identifier) -> Point? {
        let x = identifier.scalar
        let coefficients = [constant] + rest.map(Optional.some)
        return coefficients.reversed().reduce(nil) { Point.sum([$0?.multiplied(byPublic: x), $1]) }
    }

    /// Whether a secret value is the polynomial's at this participant.
    public func matches(_ value: Scalar, of identifier: Identifier) -> Bool {
        value.point == publicShare(of: identifier)
    }

    /// The commitment to the sum of polynomials; `nil` when a coefficient other than the constant vanishes.
    static func sum(_ commitments: [SharingCommitment]) -> SharingCommitment? {
        let degree = commitments.map(\.rest.count).max() ?? 0
        let rest = (0..<degree).compactMap { index in Point.sum(commitments.map { $0.rest[index] }) }
        guard rest.count == degree else { return nil }
        return SharingCommitment(constant: Point.sum(commitments.map(\.constant)), rest: rest)
    }
}

/// A key split by one dealer, who knows it: the group, one share for each participant, and what they check it with.
public struct Dealing: Sendable {
    public let group: ThresholdGroup
    public let shares: [KeyShare]
    public let commitment: SharingCommitment

    /// Splits a secret among participants.
    ///
    /// - Parameters:
    ///   - secret: the key to split, zero excluded.
    ///   - threshold: how many shares make the key, 1 to the number of participants.
    ///   - participants: distinct identifiers.
    public init(
        splitting secret: Scalar,
        threshold: Int,
        among participants: [Identifier]
    ) throws(FROSTError) {
        try ThresholdGroup.require(threshold: threshold, participants: participants.count)
        try self.init(polynomial: Polynomial(constant: secret, threshold: threshold), participants: participants)
    }

    init(polynomial: Polynomial, participants: [Identifier]) throws(FROSTError) {
        let threshold = polynomial.coefficients.count
        try ThresholdGroup.require(threshold: threshold, participants: participants.count)
        try requireDistinct(participants)
        guard let commitment = polynomial.commitment, let key = commitment.constant else { throw .zeroKey }
        var shares: [KeyShare] = []
        for participant in participants {
            shares.append(try KeyShare(identifier: participant, secret: polynomial.value(at: participant)))
        }
        self.commitment = commitment
        self.shares = shares
        group = ThresholdGroup(
            unchecked: threshold,
            key: key,
            publicShares: Dictionary(uniqueKeysWithValues: shares.map { ($0.identifier, $0.publicShare) })
        )
    }
}

extension KeyShare {
    /// Takes a share from a dealer and checks it against the dealer's commitment.
    public init(
        identifier: Identifier,
        secret: Scalar,
        commitment: SharingCommitment
    ) throws(FROSTError) {
        try self.init(identifier: identifier, secret: secret)
        guard commitment.publicShare(of: identifier) == publicShare else { throw .invalidShare(identifier) }
    }
}

extension ThresholdGroup {
    /// Puts the key together again from at least ``threshold`` shares, and checks that it is this group's.
    public func recoverSecret(from shares: [KeyShare]) throws(FROSTError) -> Scalar {
        let signers = shares.map(\.identifier)
        try requireQuorum(signers)
        for share in shares { try requireOwn(share) }
        let secret = shares.reduce(.zero) { sum, share in
            sum + Interpolation.weight(of: share.identifier, among: signers) * share.secret
        }
        guard secret.point == key else { throw .inconsistentGroup }
        return secret
    }
}
