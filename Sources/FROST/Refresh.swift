// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// New shares of the same key, so that shares stolen before and after do not add up.
///
/// One dealer or several may refresh; each deals a polynomial that is zero at zero. All participants change at the same
/// time and erase their old shares. Who gets no delta is out of the group; the threshold stays.
public struct Refresh: Sendable {
    /// What each participant adds to its share, to be sent where only that participant can read it.
    public let deltas: [Identifier: Scalar]
    /// What all check the deltas with; its constant is infinity.
    public let commitment: SharingCommitment

    /// Deals fresh deltas to those participants of a group who stay.
    public init(group: ThresholdGroup, participants: [Identifier]) throws(FROSTError) {
        try group.requireQuorum(participants)
        try self.init(
            polynomial: Polynomial(constant: .zero, threshold: group.threshold),
            participants: participants
        )
    }

    init(polynomial: Polynomial, participants: [Identifier]) throws(FROSTError) {
        guard let commitment = polynomial.commitment, commitment.constant == nil else { throw .zeroKey }
        self.commitment = commitment
        deltas = Dictionary(uniqueKeysWithValues: participants.map { ($0, polynomial.value(at: $0)) })
    }
}

extension ThresholdGroup {
    /// The group after a refresh: the same key and threshold, new public shares.
    ///
    /// - Parameters:
    ///   - commitments: those of all dealers of this refresh.
    ///   - participants: who stays.
    public func refreshed(
        by commitments: [SharingCommitment],
        participants: [Identifier]
    ) throws(FROSTError) -> ThresholdGroup {
        try requireQuorum(participants)
        var shares: [Identifier: Point] = [:]
        for participant in participants {
            try requireRefresh(commitments, for: participant)
            let deltas = commitments.map { $0.publicShare(of: participant) }
            guard let share = Point.sum([try publicShare(of: participant)] + deltas) else { throw .zeroKey }
            shares[participant] = share
        }
        return ThresholdGroup(unchecked: threshold, key: key, publicShares: shares)
    }

    fileprivate func requireRefresh(
        _ commitments: [SharingCommitment],
        for participant: Identifier
    ) throws(FROSTError) {
        for commitment in commitments where commitment.constant != nil || commitment.threshold != threshold {
            throw .invalidCommitment(participant)
        }
    }
}

extension KeyShare {
    /// This share after a refresh.
    ///
    /// - Parameter deltas: what each dealer sent to this participant, with the dealer's commitment.
    /// - Throws: ``FROSTError/invalidShare(_:)`` when a delta does not fit its commitment.
    public func refreshed(
        by deltas: [(delta: Scalar, commitment: SharingCommitment)],
        of group: ThresholdGroup
    ) throws(FROSTError) -> KeyShare {
        try group.requireOwn(self)
        try group.requireRefresh(deltas.map(\.commitment), for: identifier)
        var sum = secret
        for (delta, commitment) in deltas {
            guard commitment.matches(delta, of: identifier) else { throw .invalidShare(identifier) }
            sum = sum + delta
        }
        return try KeyShare(identifier: identifier, secret: sum)
    }
}
