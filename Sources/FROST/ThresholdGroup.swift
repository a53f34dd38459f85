// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// What everyone may know of a shared key: the threshold, the key, and each participant's public share.
///
/// A value of this type is consistent: any `threshold` of the shares make the key.
public struct ThresholdGroup: Sendable, Hashable {
    /// More would take many seconds to check.
    public static let maximumParticipants = 1024

    /// How many participants make a signature, 1 to the number of participants.
    public let threshold: Int
    /// The group's public key, with its true parity.
    public let key: Point
    /// Each participant's secret share times G.
    public let publicShares: [Identifier: Point]

    /// All participants in ascending order.
    public let participants: [Identifier]

    /// Takes a group from elsewhere and checks that its public shares make its key.
    public init(threshold: Int, key: Point, publicShares: [Identifier: Point]) throws(FROSTError) {
        try Self.require(threshold: threshold, participants: publicShares.count)
        self.init(unchecked: threshold, key: key, publicShares: publicShares)
        let base = Array(participants.prefix(threshold))
        guard Interpolation.point(of: publicShares, among: base) == key else { throw .inconsistentGroup }
        for other in participants.dropFirst(threshold) {
            let expected = Interpolation.point(at: other.number, of: publicShares, among: base)
            guard expected == publicShares[other] else { throw .inconsistentGroup }
        }
    }

    /// For shares that were computed from commitments, and so are consistent.
    init(unchecked threshold: Int, key: Point, publicShares: [Identifier: Point]) {
        self.threshold = threshold
        self.key = key
        self.publicShares = publicShares
        participants = publicShares.keys.sorted()
    }

    static func require(threshold: Int, participants: Int) throws(FROSTError) {
        guard participants <= maximumParticipants else { throw .tooManyParticipants(participants) }
        guard (1...max(participants, 1)).contains(threshold), participants > 0 else {
            throw .invalidThreshold(threshold: threshold, participants: participants)
        }
    }

    /// Refuses a set of signers that is too small, names someone twice or names a stranger.
    func requireQuorum(_ signers: [Identifier]) throws(FROSTError) {
        try requireDistinct(signers)
        for signer in signers where publicShares[signer] == nil { throw .unknownIdentifier(signer) }
        guard signers.count >= threshold else { throw .tooFewParticipants(needed: threshold, given: signers.count) }
    }

    func publicShare(of identifier: Identifier) throws(FROSTError) -> Point {
        guard let share = publicShares[identifier] else { throw .unknownIdentifier(identifier) }
        return share
    }

    /// Refuses a secret share that is not this group's.
    func requireOwn(_ share: KeyShare) throws(FROSTError) {
        guard try publicShare(of: share.identifier) == share.publicShare else {
            throw .invalidShare(share.identifier)
        }
    }
}

/// One participant's secret share.
public struct KeyShare: Sendable {
    public let identifier: Identifier
    /// The polynomial's value at the identifier; never zero.
    public let secret: Scalar
    /// ``secret`` times G.
    public let publicShare: Point

    /// Makes a share from its number.
    ///
    /// - Throws: ``FROSTError/invalidShare(_:)`` when the secret is zero.
    public init(identifier: Identifier, secret: Scalar) throws(FROSTError) {
        guard let publicShare = secret.point else { throw .invalidShare(identifier) }
        self.identifier = identifier
        self.secret = secret
        self.publicShare = publicShare
    }
}
