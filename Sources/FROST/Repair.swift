// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// Making a lost share again, or one for a new participant, without showing it or their own to the helpers.
public enum Repair {
    /// Splits a helper's part of the target's share into random summands, one for each helper.
    ///
    /// Each is for that helper's eyes only.
    ///
    /// - Parameters:
    ///   - helpers: at least the group's threshold, with this share's participant, without the target.
    ///   - target: whose share is made.
    public static func deltas(
        of share: KeyShare,
        helpers: [Identifier],
        target: Identifier,
        group: ThresholdGroup
    ) throws(FROSTError) -> [Identifier: Scalar] {
        try group.requireOwn(share)
        try group.requireQuorum(helpers)
        guard helpers.contains(share.identifier) else { throw .missingIdentifier(share.identifier) }
        guard !helpers.contains(target) else { throw .duplicateIdentifier(target) }
        var deltas: [Identifier: Scalar] = [:]
        for helper in helpers.dropFirst() { deltas[helper] = .random() }
        let part = Interpolation.weight(of: share.identifier, among: helpers, at: target.number) * share.secret
        if let first = helpers.first { deltas[first] = remainder(of: part, after: Array(deltas.values)) }
        return deltas
    }

    /// What is left of a number when these are taken away.
    static func remainder(of part: Scalar, after others: [Scalar]) -> Scalar { others.reduce(part) { $0 - $1 } }

    /// What a helper sends to the target: the sum of the deltas that it got from all helpers, its own among them.
    public static func sigma(_ deltas: [Scalar]) -> Scalar { deltas.reduce(.zero) { $0 + $1 } }

    /// Adds up what all helpers sent, and checks that it is the target's share.
    ///
    /// - Throws: ``FROSTError/invalidShare(_:)`` when a helper sent something else.
    public static func share(
        of target: Identifier,
        from sigmas: [Identifier: Scalar],
        group: ThresholdGroup
    ) throws(FROSTError) -> KeyShare {
        let helpers = sigmas.keys.sorted()
        try group.requireQuorum(helpers)
        let share = try KeyShare(identifier: target, secret: sigma(Array(sigmas.values)))
        let base = Array(helpers.prefix(group.threshold))
        let expected = Interpolation.point(at: target.number, of: group.publicShares, among: base)
        guard share.publicShare == expected else { throw .invalidShare(target) }
        return share
    }
}

extension ThresholdGroup {
    /// The group with one more participant, whose share ``Repair`` then makes.
    ///
    /// - Throws: ``FROSTError/duplicateIdentifier(_:)`` when it is a participant already, and
    ///   ``FROSTError/tooManyParticipants(_:)``.
    public func including(_ participant: Identifier) throws(FROSTError) -> ThresholdGroup {
        guard publicShares[participant] == nil else { throw .duplicateIdentifier(participant) }
        try Self.require(threshold: threshold, participants: publicShares.count + 1)
        let base = Array(participants.prefix(threshold))
        guard let share = Interpolation.point(at: participant.number, of: publicShares, among: base) else {
            throw .invalidShare(participant)
        }
        var shares = publicShares
        shares[participant] = share
        return ThresholdGroup(unchecked: threshold, key: key, publicShares: shares)
    }
}
