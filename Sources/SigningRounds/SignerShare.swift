// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FROST
public import Pomade
internal import Secp256k1

/// What a signer keeps of one key: the group that the client registered, and this signer's share.
public struct SignerShare: Sendable {
    public let registered: RegisteredGroup
    public let share: KeyShare

    /// Takes what a client registers, or what a store kept.
    ///
    /// - Throws: `bad_threshold`, `bad_group` or `bad_share`.
    public init(group: WireGroup, share: WireShare, minimumThreshold: Int = 1) throws(SignerFailure) {
        try self.init(group: RegisteredGroup(group, minimumThreshold: minimumThreshold), share: share)
    }

    /// Joins a share to a group that was checked before.
    ///
    /// - Throws: `bad_group` or `bad_share`.
    public init(group: RegisteredGroup, share: WireShare) throws(SignerFailure) {
        registered = group
        self.share = try group.share(share)
    }

    init(registered: RegisteredGroup, share: KeyShare) {
        self.registered = registered
        self.share = share
    }

    /// This signer's number in the group.
    public var number: Int { Int(share.identifier.number) }

    /// This signer's public share.
    public var publicShare: Hex33 { HexBytes(certain: share.publicShare.compressed) }

    /// The members of a signing or an exchange, this signer among them.
    ///
    /// - Throws: `bad_members`.
    public func members(_ numbers: [Int]) throws(SignerFailure) -> [Identifier] {
        guard numbers.count <= WireGroup.maximumShares else {
            throw SignerFailure(.badMembers, "A signature has at most \(WireGroup.maximumShares) members.")
        }
        return try registered.members(numbers, own: share.identifier)
    }
}
