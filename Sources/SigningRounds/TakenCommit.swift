// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FROST
public import Pomade
internal import Secp256k1

/// A commitment that was taken from ``PendingCommits``: good for one answer, or for none.
///
/// It can be neither copied nor kept, so nothing signs twice with its nonces; letting go of it overwrites them.
public struct TakenCommit: ~Copyable, Sendable {
    let nonces: SigningNonces
    let members: [Identifier]

    /// What an operator and a session's owner allow to be signed.
    public struct Terms: Sendable {
        /// The most tweaks of the key, 0 to 9.
        public var maximumTweaks: Int
        public var policy: SessionPolicy?
        /// How many signatures the session has made on this day.
        public var signaturesToday: Int
        /// Unix seconds.
        public var now: Int64

        public init(maximumTweaks: Int = 9, policy: SessionPolicy? = nil, signaturesToday: Int = 0, now: Int64) {
            self.maximumTweaks = maximumTweaks
            self.policy = policy
            self.signaturesToday = signaturesToday
            self.now = now
        }
    }

    /// Answers `/sign/complete`; the nonces are used up, whether it succeeds or not.
    ///
    /// - Throws: `members_mismatch`, `bad_pnonces`, `nonce_mismatch`, `bad_request`, `bad_session_id`,
    ///   `policy_denied`, `deactivated` or `sign_failed`.
    public consuming func complete(
        _ body: PomadeBody.Complete,
        share: SignerShare,
        terms: Terms
    ) throws(SignerFailure) -> PomadeContent.Partial {
        let wire = body.request
        let committed = members
        guard wire.members.sorted() == committed.map({ Int($0.number) }).sorted() else {
            throw SignerFailure(.membersMismatch, "The members are not those of the commitment.")
        }
        let members = wire.members.compactMap { Identifier($0) }
        let commitments = try Self.commitments(body.nonces, members: members, own: nonces.commitment)
        let checked = try CheckedRequest(wire, members: members, groupID: share.registered.id)
        let request = try checked.request(maximumTweaks: terms.maximumTweaks)
        try terms.policy?.requireSigning(
            wire,
            content: checked.content,
            userKey: share.registered.userKey,
            signaturesToday: terms.signaturesToday,
            now: terms.now
        )
        let partial: PartialSignature
        do throws(FROSTError) {
            let session = try request.session(group: share.registered.group, commitments: commitments)
            partial = try session.sign(with: share.share, nonces: nonces)
        } catch {
            throw SignerFailure(.signFailed, "These nonces and tweaks make no signature: begin again with new ones.")
        }
        return PomadeContent.Partial(
            idx: share.number,
            psig: [wire.hash[0], HexBytes(certain: partial.value.rawBytes)],
            pubkey: share.publicShare,
            sid: wire.sid
        )
    }

    /// Reads everybody's nonces, exactly one pair for each member.
    private static func commitments(
        _ nonces: [PomadeBody.Nonces],
        members: [Identifier],
        own: SigningCommitment
    ) throws(SignerFailure) -> [SigningCommitment] {
        let numbers = nonces.compactMap { Identifier($0.idx) }
        guard numbers.count == nonces.count, numbers.sorted() == members.sorted() else {
            throw SignerFailure(.badPnonces, "There must be one pair of nonces for each member.")
        }
        var list: [SigningCommitment] = []
        for (number, pair) in zip(numbers, nonces) where number == own.identifier {
            guard pair.hidden.bytes == own.hiding.compressed, pair.binder.bytes == own.binding.compressed else {
                throw SignerFailure(.nonceMismatch, "This signer's nonces are not those of its commitment.")
            }
            list.append(own)
        }
        for (number, pair) in zip(numbers, nonces) where number != own.identifier {
            guard let hiding = Point(pair.hidden.bytes), let binding = Point(pair.binder.bytes) else {
                throw SignerFailure(.badPnonces, "The nonces of member \(number) are no points of the curve.")
            }
            list.append(SigningCommitment(identifier: number, hiding: hiding, binding: binding))
        }
        return list
    }
}

/// A request whose every member is known to fit and whose names are those it claims.
struct CheckedRequest {
    let content: [UInt8]?
    private let wire: PomadeBody.SignatureRequest
    private let members: [Identifier]
    private let stamp: UInt32

    init(_ wire: PomadeBody.SignatureRequest, members: [Identifier], groupID: [UInt8]) throws(SignerFailure) {
        content = try Self.content(wire.content)
        guard let stamp = UInt32(exactly: wire.stamp) else {
            throw SignerFailure(.badRequest, "The stamp must lie between 0 and 4294967295.")
        }
        guard wire.type.utf8.count <= PomadeRequest.maximumKindLength else {
            throw SignerFailure(.badRequest, "The type has at most \(PomadeRequest.maximumKindLength) bytes.")
        }
        guard (1...PomadeBody.SignatureRequest.maximumHashes).contains(wire.hash.count) else {
            throw SignerFailure(.badRequest, "A request has one message and at most nine tweaks.")
        }
        let sessionID = PomadeRequest.sessionID(
            groupID: groupID,
            members: members,
            hashes: wire.hash.flatMap(\.bytes),
            content: content,
            kind: wire.type,
            stamp: stamp
        )
        guard wire.gid.bytes == groupID, wire.sid.bytes == sessionID else {
            throw SignerFailure(.badSessionID, "The group's or the session's id is not that of the request.")
        }
        self.wire = wire
        self.members = members
        self.stamp = stamp
    }

    private static func content(_ text: String?) throws(SignerFailure) -> [UInt8]? {
        guard let text else { return nil }
        guard let content = Hex.decode(text) else {
            throw SignerFailure(.badRequest, "The content must be hexadecimal or null.")
        }
        return content
    }

    func request(maximumTweaks: Int) throws(SignerFailure) -> PomadeRequest {
        var tweaks: [Scalar] = []
        for bytes in wire.hash.dropFirst() {
            guard let tweak = Scalar(bytes.bytes) else {
                throw SignerFailure(.badRequest, "A tweak must be less than the group order.")
            }
            tweaks.append(tweak)
        }
        guard tweaks.count <= maximumTweaks else {
            throw SignerFailure(.badRequest, "This signer takes at most \(max(0, maximumTweaks)) tweaks.")
        }
        do throws(FROSTError) {
            return try PomadeRequest(
                groupID: wire.gid.bytes,
                members: members,
                message: wire.hash[0].bytes,
                tweaks: tweaks,
                content: content,
                kind: wire.type,
                stamp: stamp
            )
        } catch {
            throw SignerFailure(.badRequest, "The request does not fit the protocol.")
        }
    }
}
