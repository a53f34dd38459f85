// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FROST
internal import Secp256k1

/// A share as it is sent; clients also send two nonces of a retired scheme with it, which are not read.
public struct WireShare: Sendable, Hashable, Codable, CustomStringConvertible {
    public let idx: Int
    public let seckey: Hex32

    public init(idx: Int, seckey: Hex32) {
        self.idx = idx
        self.seckey = seckey
    }

    public init(_ share: KeyShare) {
        idx = Int(share.identifier.number)
        seckey = HexBytes(certain: share.secret.rawBytes)
    }

    /// Says which share, never what it is.
    public var description: String { "share \(idx)" }
}

/// What a group's list says of one share.
///
/// The two nonces are left over from a retired scheme: nothing is signed with them. They are kept and returned
/// because the group's id is a hash over them.
public struct WireCommit: Sendable, Hashable, Codable {
    public let idx: Int
    public let pubkey: Hex33
    public let hiddenNonce: Hex33
    public let binderNonce: Hex33

    enum CodingKeys: String, CodingKey {
        case idx, pubkey
        case hiddenNonce = "hidden_pn"
        case binderNonce = "binder_pn"
    }

    public init(idx: Int, pubkey: Hex33, hiddenNonce: Hex33, binderNonce: Hex33) {
        self.idx = idx
        self.pubkey = pubkey
        self.hiddenNonce = hiddenNonce
        self.binderNonce = binderNonce
    }
}

/// A group as it is sent.
public struct WireGroup: Sendable, Hashable, Codable {
    /// The most shares of a group.
    public static let maximumShares = 5

    public let commits: [WireCommit]
    public let key: Hex33
    public let threshold: Int

    enum CodingKeys: String, CodingKey {
        case commits, threshold
        case key = "group_pk"
    }

    public init(commits: [WireCommit], key: Hex33, threshold: Int) {
        self.commits = commits
        self.key = key
        self.threshold = threshold
    }
}

/// A group whose parts fit together: any quorum of its public shares makes its key.
public struct RegisteredGroup: Sendable, Hashable {
    /// As it was sent, to be returned unchanged.
    public let wire: WireGroup
    public let group: ThresholdGroup
    /// The group's id, 32 bytes.
    public let id: [UInt8]

    /// Checks a group (section 3.1, items 3 to 5 and 7 of the protocol's description).
    /// - Throws: `bad_threshold` or `bad_group`.
    public init(_ wire: WireGroup, minimumThreshold: Int = 1) throws(SignerFailure) {
        let count = wire.commits.count
        guard (1...WireGroup.maximumShares).contains(count), (1...count).contains(wire.threshold),
            wire.threshold >= minimumThreshold
        else {
            throw SignerFailure(
                .badThreshold,
                "The threshold must lie between \(minimumThreshold) and the number of shares, which is 5 at most."
            )
        }
        let commits = wire.commits
        guard Set(commits.map(\.idx)).count == count, commits.allSatisfy({ (1...255).contains($0.idx) }) else {
            throw SignerFailure(.badGroup, "The shares' numbers must differ and lie between 1 and 255.")
        }
        guard let key = Point(wire.key.bytes), let registered = Self.points(commits) else {
            throw SignerFailure(.badGroup, "The group holds bytes that are no point of the curve.")
        }
        self.wire = wire
        id = PomadeRequest.groupID(of: registered.map(\.nonces), key: key)
        do {
            group = try ThresholdGroup(
                threshold: wire.threshold,
                key: key,
                publicShares: Dictionary(
                    uniqueKeysWithValues: registered.map { ($0.nonces.identifier, $0.publicShare) }
                )
            )
        } catch {
            throw SignerFailure(.badGroup, "The public shares do not make the group's key.")
        }
    }

    private struct Registered {
        let nonces: SigningCommitment
        let publicShare: Point
    }

    private static func points(_ commits: [WireCommit]) -> [Registered]? {
        var list: [Registered] = []
        for commit in commits {
            guard let identifier = Identifier(commit.idx), let share = Point(commit.pubkey.bytes),
                let hidden = Point(commit.hiddenNonce.bytes), let binder = Point(commit.binderNonce.bytes)
            else { return nil }
            let nonces = SigningCommitment(identifier: identifier, hiding: hidden, binding: binder)
            list.append(Registered(nonces: nonces, publicShare: share))
        }
        return list
    }

    /// The user's public key of Nostr: the group's without its parity.
    public var userKey: Hex32 { HexBytes(certain: Array(wire.key.bytes.dropFirst())) }

    /// Checks that a share is the group's.
    /// - Throws: `bad_group` for a number that is no secret, `bad_share` for another's.
    public func share(_ share: WireShare) throws(SignerFailure) -> KeyShare {
        guard let secret = Scalar(share.seckey.bytes), !secret.isZero else {
            throw SignerFailure(.badGroup, "The share is no number between 1 and the group order.")
        }
        guard let identifier = Identifier(share.idx), let expected = group.publicShares[identifier],
            let own = try? KeyShare(identifier: identifier, secret: secret), own.publicShare == expected
        else { throw SignerFailure(.badShare, "The share does not belong to the group.") }
        return own
    }

    /// Checks the members of a signing: in the group, distinct, enough.
    /// - Parameter own: must be among them, unless `nil`.
    public func members(_ numbers: [Int], own: Identifier?) throws(SignerFailure) -> [Identifier] {
        let members = numbers.compactMap { Identifier($0) }.filter { group.publicShares[$0] != nil }
        guard members.count == numbers.count, Set(members).count == members.count, members.count >= group.threshold,
            own.map(members.contains) ?? true
        else {
            throw SignerFailure(
                .badMembers,
                "The members must be distinct shares of the group, at least \(group.threshold), this signer's among them."
            )
        }
        return members
    }
}
