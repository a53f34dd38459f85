// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
internal import LightningPrimitives
internal import Nostr
public import Pomade
internal import Secp256k1
internal import SigningRounds

/// A key that several signers make together and nobody ever holds (RFC 9591 names trusted dealers; this needs none).
extension SignerService {
    /// This signer's identity, as `/x/info` tells it.
    var identity: Hex32 { Hex32(certain: NostrKey(keys.identity).bytes) }

    /// `/x/dkg`, step `begin`: draws this signer's part.
    ///
    /// - Throws: `key_reused`, `pow_required`, `bad_threshold`, `bad_members`.
    public func beginGeneration(
        _ body: PomadeBody.KeyGeneration.Begin,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.GenerationBegun {
        guard try await run({ try await !$0.isUsed(caller.key) }) else { throw Self.keyReused }
        guard caller.hasWork else { throw workMissing }
        guard body.threshold >= configuration.minimumThreshold else {
            throw SignerFailure(.badThreshold, "The threshold must be at least \(configuration.minimumThreshold).")
        }
        try requireDistinct(body.participants)
        guard body.participants.contains(where: { $0.idx == body.idx && $0.identity == identity }) else {
            throw SignerFailure(.badMembers, "The participant with this signer's number has another identity.")
        }
        let rounds = try GroupGeneration(
            number: body.idx,
            threshold: body.threshold,
            participants: body.participants.map(\.idx)
        )
        generations.put(GenerationState(begin: body, rounds: rounds), for: caller.key, now: now())
        return PomadeContent.GenerationBegun(announcement: rounds.announcement)
    }

    func requireDistinct(_ participants: [PomadeBody.Participant]) throws(SignerFailure) {
        guard Set(participants.map(\.idx)).count == participants.count,
            Set(participants.map(\.identity)).count == participants.count
        else { throw SignerFailure(.badMembers, "Numbers and identities must differ.") }
    }

    /// `/x/dkg`, step `share`: checks all announcements and seals a share for each other signer.
    ///
    /// - Throws: `commit_gone` when nothing was begun or it was answered already, `bad_request`.
    public func shareGeneration(
        _ body: PomadeBody.KeyGeneration.Share,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.GenerationShares {
        guard let state = generations.get(caller.key, now: now()) else { throw Self.nothingBegun }
        let outgoing = try state.rounds.receive(body.announcements)
        let channel = PartChannel(identity: keys.identity, session: caller.key, own: state.begin.idx)
        var parts: [PomadeBody.SealedPart] = []
        for peer in state.begin.participants where peer.idx != state.begin.idx {
            guard let number = Identifier(peer.idx), let value = outgoing.shares[number] else {
                throw Self.nothingBegun
            }
            parts.append(try channel.seal(value, .generation, context: outgoing.transcript, for: peer))
        }
        return PomadeContent.GenerationShares(shares: parts, transcript: outgoing.transcript)
    }

    static var nothingBegun: SignerFailure {
        SignerFailure(.commitGone, "Nothing was begun with this key, or it is too old: begin again.")
    }

    /// `/x/dkg`, step `finish`: makes the share and a session for it.
    ///
    /// - Throws: `commit_gone`, `bad_share`, `bad_group` when the signers were told different things, `key_reused`,
    ///   `too_many_sessions`.
    public func finishGeneration(
        _ body: PomadeBody.KeyGeneration.Finish,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.Group {
        guard let state = generations.take(caller.key, now: now()) else { throw Self.nothingBegun }
        let channel = PartChannel(identity: keys.identity, session: caller.key, own: state.begin.idx)
        var values: [Identifier: Scalar] = [:]
        var transcripts: [Identifier: Hex32] = [:]
        for part in body.shares {
            guard let peer = state.begin.participants.first(where: { $0.idx == part.idx }),
                peer.idx != state.begin.idx, let number = Identifier(peer.idx), values[number] == nil
            else { throw SignerFailure(.badMembers, "There must be one share of each other signer.") }
            let opened = try channel.open(part, .generation, from: peer)
            values[number] = opened.value
            transcripts[number] = opened.context
        }
        let share = try state.rounds.finish(values, transcripts: transcripts)
        try await keep(share, recovery: state.begin.recovery, isVerified: false, .register, caller: caller)
        return PomadeContent.Group(group: share.registered.wire)
    }
}
