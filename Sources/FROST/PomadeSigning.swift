// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// What Pomade's clients and signers agree on about one signature; the signature's nonces are bound to all of it.
public struct PomadeRequest: Sendable {
    /// The most tweaks of one request.
    public static let maximumTweaks = 9
    /// The most bytes of ``kind``.
    public static let maximumKindLength = 64

    /// The group's id (``PomadeRequest/groupID(of:key:)``), 32 bytes.
    public let groupID: [UInt8]
    /// The signers in the client's order, 1 to 255 each.
    public let members: [Identifier]
    /// What is signed, 32 bytes.
    public let message: [UInt8]
    /// Added to the key one after the other, each after making it even.
    public let tweaks: [Scalar]
    public let content: [UInt8]?
    /// The member `type` on the wire.
    public let kind: String
    public let stamp: UInt32

    public init(
        groupID: [UInt8],
        members: [Identifier],
        message: [UInt8],
        tweaks: [Scalar] = [],
        content: [UInt8]? = nil,
        kind: String,
        stamp: UInt32
    ) throws(FROSTError) {
        guard groupID.count == 32, message.count == 32, tweaks.count <= Self.maximumTweaks,
            kind.utf8.count <= Self.maximumKindLength, members.allSatisfy({ $0.number <= 255 })
        else { throw .invalidRequest }
        try requireDistinct(members)
        self.groupID = groupID
        self.members = members
        self.message = message
        self.tweaks = tweaks
        self.content = content
        self.kind = kind
        self.stamp = stamp
    }

    /// The name of a group: a hash of its key and of the points that were registered with each share.
    public static func groupID(of registered: [SigningCommitment], key: Point) -> [UInt8] {
        let list = registered.sorted { $0.identifier < $1.identifier }
            .flatMap { $0.identifier.bytes + $0.hiding.compressed + $0.binding.compressed }
        return sha256(list + key.compressed)
    }

    /// The name of the request, 32 bytes.
    public var sessionID: [UInt8] {
        Self.sessionID(
            groupID: groupID,
            members: members,
            hashes: hashes,
            content: content,
            kind: kind,
            stamp: stamp
        )
    }

    /// The name that a request with these members has, whether or not it is one that can be signed.
    ///
    /// - Parameters:
    ///   - members: in the client's order, 1 to 255 each.
    ///   - hashes: the message, then the tweaks.
    public static func sessionID(
        groupID: [UInt8],
        members: [Identifier],
        hashes: [UInt8],
        content: [UInt8]?,
        kind: String,
        stamp: UInt32
    ) -> [UInt8] {
        let numbers = members.map { UInt8(truncatingIfNeeded: $0.number) }
        return sha256(groupID + numbers + hashes + (content ?? [0]) + Array(kind.utf8) + bigEndian(stamp))
    }

    /// What a member adds to both its nonces in this session; `nil` once in 2^128 requests.
    func nonceTweak(of member: Identifier, session: [UInt8]) -> Scalar? {
        guard let tweak = Scalar(sha256(session + member.bigEndian + hashes)), !tweak.isZero else { return nil }
        return tweak
    }

    private var hashes: [UInt8] { message + tweaks.flatMap(\.rawBytes) }

    /// The session in which the members sign.
    ///
    /// - Parameter commitments: the fresh nonces of exactly the members.
    public func session(
        group: ThresholdGroup,
        commitments: [SigningCommitment]
    ) throws(FROSTError) -> SigningSession {
        let given = Set(commitments.map(\.identifier))
        for member in members where !given.contains(member) { throw .missingIdentifier(member) }
        for identifier in given where !members.contains(identifier) { throw .unknownIdentifier(identifier) }
        var nonceTweaks: [Identifier: Scalar] = [:]
        let session = sessionID
        for member in members {
            guard let tweak = nonceTweak(of: member, session: session) else { throw .invalidRequest }
            nonceTweaks[member] = tweak
        }
        return try SigningSession(
            suite: .pomade,
            group: group,
            message: message,
            commitments: commitments,
            keyTweaks: tweaks,
            nonceTweaks: nonceTweaks
        )
    }
}
