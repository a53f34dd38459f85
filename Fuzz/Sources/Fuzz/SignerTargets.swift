// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import Nostr
import Pomade
import Secp256k1
import SigningRounds

extension FuzzTarget {
    /// A Nostr event, or a header that carries one.
    static let nostrEvent = FuzzTarget(name: "NostrEvent") { input in
        if let event = try? NostrEvent(json: input) {
            let again = require("an event reads", { try NostrEvent(json: event.json, limits: .relay) })
            require(again == event, "an event reads as the same")
            require((try? event.verify()) == nil || event.unsigned.id == event.id, "what verifies is what it says")
        }
        let expected = HTTPAuthorization.Expectation(urls: ["http://s.example/register"], body: [])
        let header = String(decoding: input, as: UTF8.self)
        if let authorized = try? HTTPAuthorization(header: header, expecting: expected, now: 1_800_000_000) {
            require((try? authorized.event.verify()) != nil, "only what is signed authorises")
        }
    }

    /// The body of a signer's route; the first byte tells which.
    static let signerRequest = FuzzTarget(name: "SignerRequest") { input in
        let body = Data(input.dropFirst())
        func reads<Body: Codable>(_ type: Body.Type) -> Body? {
            guard let read = try? JSONDecoder().decode(type, from: body) else { return nil }
            let text = require("a body is written", { try JSONEncoder().encode(read) })
            _ = require("a body reads again", { try JSONDecoder().decode(type, from: text) })
            return read
        }
        switch (input.first ?? 0) % 11 {
        case 0: if let body = reads(PomadeBody.Register.self) { checkRegistration(body) }
        case 1: if let body = reads(PomadeBody.Complete.self) { SignerFixture.shared.complete(body) }
        case 2: if let body = reads(PomadeBody.KeyExchange.self) { SignerFixture.shared.exchange(body) }
        case 3: if let body = reads(PomadeBody.Commit.self) { SignerFixture.shared.commit(body) }
        case 4: if let body = reads(PomadeBody.CommitBatch.self) { SignerFixture.shared.commit(body) }
        case 5: _ = reads(PomadeBody.Start.self)
        case 6: _ = reads(PomadeBody.Selection.self)
        case 7: _ = reads(PomadeBody.RecoverySetup.self)
        case 8: _ = reads(PomadeBody.Challenge.self)
        case 9: if let body = reads(PomadeBody.RefreshStage.self) { SignerFixture.shared.refresh(body) }
        default:
            guard let body = reads(PomadeBody.PolicyChange.self) else { return }
            try? body.policy.requireSensible()
            try? body.policy.requireExchange(now: 1_800_000_000)
        }
    }

    private static func checkRegistration(_ body: PomadeBody.Register) {
        guard let share = try? SignerShare(group: body.group, share: body.share) else { return }
        let group = share.registered.group
        require(group.publicShares[share.share.identifier] == share.share.publicShare, "a share is its group's")
        require((1...group.participants.count).contains(group.threshold), "a threshold can be reached")
        require(share.registered.wire == body.group, "a group is returned as it came")
    }

    /// A group as JSON, or a package of a group or a share.
    static let signerGroup = FuzzTarget(name: "SignerGroup") { input in
        let text = String(decoding: input, as: UTF8.self)
        _ = try? WireShare(package: text)
        let packaged = try? WireGroup(package: text)
        guard let wire = packaged ?? (try? JSONDecoder().decode(WireGroup.self, from: Data(input))),
            let group = try? RegisteredGroup(wire)
        else { return }
        require(group.wire == wire, "a group is returned as it came")
        require(group.userKey.bytes == Array(wire.key.bytes.dropFirst()), "the user's key is the group's")
        require(group.group.participants.count == wire.commits.count, "every share counts")
    }

    /// An announcement of a key generation, or an answer of `/ecdh`.
    static let frostMessage = FuzzTarget(name: "FrostMessage") { input in
        let data = Data(input)
        if let read = try? JSONDecoder().decode(PomadeBody.GenerationAnnouncement.self, from: data),
            let announcement = read.announcement
        {
            let again = require("an announcement is written", { try PomadeBody.GenerationAnnouncement(announcement) })
            require(again == read, "an announcement reads as the same")
            SignerFixture.shared.receive(read)
        }
        if let answer = try? JSONDecoder().decode(PomadeContent.KeyExchange.self, from: data) {
            SignerFixture.shared.add(answer)
        }
    }
}

/// A signer of a group of two, the same in every run, and the other's nonces.
private struct SignerFixture: Sendable {
    static let shared = require("the fixture is made", { try SignerFixture() })

    let signer: SignerShare
    let pending = PendingCommits()
    let client = Hex32.random()
    let now: Int64 = 1_800_000_000

    init() throws {
        let secret = [UInt8](repeating: 7, count: 32)
        guard let first = Scalar(secret), let identifier = Identifier(1) else { throw FROSTError.zeroKey }
        // Threshold 1: every share is the secret, so that corpora can name it.
        let share = try KeyShare(identifier: identifier, secret: first)
        guard let point = Hex33(share.publicShare.compressed) else { throw FROSTError.zeroKey }
        let commits = (1...2).map { WireCommit(idx: $0, pubkey: point, hiddenNonce: point, binderNonce: point) }
        signer = try SignerShare(
            group: WireGroup(commits: commits, key: point, threshold: 1),
            share: WireShare(share)
        )
    }

    func commit(_ body: PomadeBody.Commit) {
        _ = try? pending.commit(client: client, share: signer, members: body.members, now: now)
        require(pending.counts.pending <= pending.limits.perSession + pending.limits.prefetchedPerSession, "bounded")
    }

    func commit(_ body: PomadeBody.CommitBatch) {
        let batch = try? pending.commitBatch(
            client: client,
            share: signer,
            members: body.members,
            count: body.count,
            now: now
        )
        require(batch.map { $0.count == body.count } ?? true, "a batch is as long as asked")
        require(pending.counts.pending <= pending.limits.perSession + pending.limits.prefetchedPerSession, "bounded")
    }

    /// Completes with a fresh commitment whose nonces stand where the body has this signer's.
    func complete(_ body: PomadeBody.Complete) {
        guard let own = try? pending.commit(client: client, share: signer, members: [1, 2], now: now) else { return }
        let nonces = body.nonces.map { pair in
            pair.idx == 1 ? PomadeBody.Nonces(idx: 1, hidden: own.hidden, binder: own.binder) : pair
        }
        let wire = body.request
        guard let stamp = UInt32(exactly: wire.stamp), let gid = Hex32(signer.registered.id) else { return }
        // Half of the inputs get the ids they should have, so that what comes after them is reached.
        let sid = Hex32(
            PomadeRequest.sessionID(
                groupID: gid.bytes,
                members: wire.members.compactMap { Identifier($0) },
                hashes: wire.hash.flatMap(\.bytes),
                content: wire.content.map { _ in [] },
                kind: wire.type,
                stamp: stamp
            )
        )
        let isMended = wire.hash.first.map { $0.bytes[0] & 1 == 0 } ?? false
        let request = PomadeBody.SignatureRequest(
            content: isMended ? wire.content.map { _ in "" } : wire.content,
            hash: wire.hash,
            members: wire.members,
            stamp: wire.stamp,
            type: wire.type,
            gid: isMended ? gid : wire.gid,
            sid: isMended ? sid ?? wire.sid : wire.sid
        )
        let mended = PomadeBody.Complete(commitID: own.commitID, request: request, nonces: nonces)
        do {
            let taken = try pending.take(client: client, commitID: own.commitID, now: now)
            let partial = try taken.complete(mended, share: signer, terms: TakenCommit.Terms(now: now))
            require(partial.psig.count == 2 && partial.psig.first == wire.hash.first, "a part is for the message")
        } catch {}
        require(
            (try? pending.take(client: client, commitID: own.commitID, now: now).discarded()) == nil,
            "a commitment is taken once"
        )
    }

    func exchange(_ body: PomadeBody.KeyExchange) {
        guard let answer = try? signer.exchange(body, now: now), body.wantsProof == true, body.members.count == 1 else {
            return
        }
        let sum = try? signer.registered.sharedPoint(of: [answer], members: body.members, peer: body.peer)
        require(sum?.compressed == answer.keyshare.bytes, "an honest answer is proven")
    }

    func refresh(_ body: PomadeBody.RefreshStage) {
        require((try? signer.refreshed(by: body)) == nil, "a share that is the key is not refreshed")
    }

    func receive(_ announcement: PomadeBody.GenerationAnnouncement) {
        guard let generation = try? GroupGeneration(number: 1, threshold: 2, participants: [1, 2]) else { return }
        _ = try? generation.receive([generation.announcement, announcement])
    }

    func add(_ answer: PomadeContent.KeyExchange) {
        _ = try? signer.registered.sharedPoint(of: [answer], members: [answer.idx], peer: answer.peer)
    }
}

extension TakenCommit {
    /// Lets go of the nonces.
    fileprivate consuming func discarded() {}
}
