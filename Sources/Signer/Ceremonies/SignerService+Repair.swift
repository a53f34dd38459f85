// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import FROST
internal import LightningPrimitives
public import Pomade
internal import Secp256k1
internal import SigningRounds

/// A lost share made again by other members, for a signer that all their operators have named.
///
/// Who steals a client's key could otherwise have the share sealed for himself. So helpers only work for identities in
/// the operator's list, and the session that comes of it recovers nothing.
extension SignerService {
    /// `/x/repair`, step `begin`, at a helper: seals a part for each other helper.
    ///
    /// - Throws: `no_session`, `deactivated`, `rate_limited`, `bad_members`, `policy_denied` for an identity that the
    ///   operator has not named.
    public func beginRepair(
        _ body: PomadeBody.Repair.Begin,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.RepairDeltas {
        let session = try await activeSession(caller.key)
        try limits.countOperation(caller.key)
        try requireDistinct(body.helpers + [body.target])
        let own = session.share.number
        guard body.helpers.contains(where: { $0.idx == own && $0.identity == identity }) else {
            throw SignerFailure(.badMembers, "The helper with this signer's number has another identity.")
        }
        try requirePeers(body.helpers + [body.target])
        let helper = try RepairHelper(
            share: session.share,
            helpers: body.helpers.map(\.idx),
            target: body.target.idx
        )
        let context = Self.context(session.share.registered, body.target.idx, body.helpers)
        repairs.put(RepairState(begin: body, context: context, helper: helper), for: caller.key, now: now())
        try await run { transaction in
            guard let row = try await transaction.session(caller.key) else { return }
            try await note(.repair, row, caller, transaction)
        }
        let channel = PartChannel(identity: keys.identity, session: caller.key, own: own)
        var parts: [PomadeBody.SealedPart] = []
        for peer in body.helpers where peer.idx != own {
            guard let number = Identifier(peer.idx), let delta = helper.outgoing[number] else {
                throw SignerFailure(.badMembers, "The helpers must be members of the group.")
            }
            parts.append(try channel.seal(delta, .repairDelta, context: context, for: peer))
        }
        return PomadeContent.RepairDeltas(deltas: parts)
    }

    /// Refuses identities that the operator does not know.
    private func requirePeers(_ participants: [PomadeBody.Participant]) throws(SignerFailure) {
        let known = Set(configuration.peers + [identity])
        guard participants.allSatisfy({ known.contains($0.identity) }) else {
            throw SignerFailure(
                .policyDenied,
                "This signer repairs shares only with signers that its operator has named (POMADE_PEERS)."
            )
        }
    }

    /// What all must mean the same by: the group, whose share it is, and who helps.
    private static func context(
        _ group: RegisteredGroup,
        _ target: Int,
        _ helpers: [PomadeBody.Participant]
    ) -> Hex32 {
        let numbers = [target] + helpers.map(\.idx).sorted()
        let text = Array("assay/repair/1".utf8) + group.id + numbers.map { UInt8(clamping: $0) }
        return Hex32(certain: Array(SHA256.hash(data: text)))
    }

    /// `/x/repair`, step `sum`, at a helper: adds up and seals the sum for the target.
    ///
    /// - Throws: `commit_gone`, `no_session`, `deactivated`, `bad_members`, `bad_share`.
    public func sumRepair(
        _ body: PomadeBody.Repair.Sum,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.RepairSum {
        guard let state = repairs.take(caller.key, now: now()) else { throw Self.nothingBegun }
        let session = try await activeSession(caller.key)
        let channel = PartChannel(identity: keys.identity, session: caller.key, own: session.share.number)
        var helper = state.helper
        for part in body.deltas {
            guard let peer = state.begin.helpers.first(where: { $0.idx == part.idx }) else {
                throw SignerFailure(.badMembers, "Each helper sends one delta.")
            }
            let opened = try channel.open(part, .repairDelta, from: peer)
            try requireContext(opened.context, state.context, peer)
            try helper.receive(opened.value, from: peer.idx)
        }
        guard let sum = helper.sigma else {
            throw SignerFailure(.badMembers, "The deltas of some helpers are missing: begin again.")
        }
        let sealed = try channel.seal(sum, .repairSum, context: state.context, for: state.begin.target)
        return PomadeContent.RepairSum(sum: sealed)
    }

    private func requireContext(
        _ given: Hex32,
        _ expected: Hex32,
        _ peer: PomadeBody.Participant
    ) throws(SignerFailure) {
        guard given == expected else {
            throw SignerFailure(.badShare, "Signer \(peer.idx) was told of another repair: begin again.")
        }
    }

    /// `/x/repair`, step `take`, at the signer that gets the share: opens the sums and makes a session.
    ///
    /// - Throws: `key_reused`, `pow_required`, `bad_threshold`, `bad_group`, `bad_members`, `policy_denied`, `bad_share`,
    ///   `too_many_sessions`.
    public func takeRepair(_ body: PomadeBody.Repair.Take, caller: SignerCaller) async throws(SignerFailure) {
        guard try await run({ try await !$0.isUsed(caller.key) }) else { throw Self.keyReused }
        guard caller.hasWork else { throw workMissing }
        let group = try RegisteredGroup(body.group, minimumThreshold: configuration.minimumThreshold)
        try requireDistinct(body.helpers)
        try requirePeers(body.helpers)
        var target = try RepairTarget(group: group, target: body.idx, helpers: body.helpers.map(\.idx))
        let context = Self.context(group, body.idx, body.helpers)
        let channel = PartChannel(identity: keys.identity, session: caller.key, own: body.idx)
        for part in body.sums {
            guard let peer = body.helpers.first(where: { $0.idx == part.idx }) else {
                throw SignerFailure(.badMembers, "Each helper sends one sum.")
            }
            let opened = try channel.open(part, .repairSum, from: peer)
            try requireContext(opened.context, context, peer)
            try target.receive(opened.value, from: peer.idx)
        }
        try await keep(try target.share(), recovery: false, isVerified: false, .repair, caller: caller)
    }
}
