// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Pomade
import SigningRounds
import Testing

@Suite("Commitments that wait")
struct PendingCommitsTests {
    private let now = DealtKey.now

    private func takes(_ pending: PendingCommits, _ id: Hex32, client: Hex32, now: Int64? = nil) -> Bool {
        do throws(SignerFailure) {
            _ = try pending.take(client: client, commitID: id, now: now ?? self.now)
            return true
        } catch {
            #expect(error.code == .commitGone)
            return false
        }
    }

    @Test("one of many who take at once gets the commitment")
    func atomic() async throws {
        let key = try DealtKey(1, of: 1)
        let pending = PendingCommits()
        for _ in 0..<20 {
            let id = try pending.commit(client: key.client, share: key.signers[0], members: [1], now: now).commitID
            let taken = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<16 { group.addTask { takes(pending, id, client: key.client) } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 1)
        }
        #expect(pending.counts.pending == 0 && pending.counts.taken == 20)
    }

    @Test("another session cannot take, or use up, a commitment")
    func ownSession() throws {
        let key = try DealtKey(1, of: 1)
        let pending = PendingCommits()
        let id = try pending.commit(client: key.client, share: key.signers[0], members: [1], now: now).commitID
        #expect(!takes(pending, id, client: .random()))
        #expect(!takes(pending, .random(), client: key.client))
        #expect(takes(pending, id, client: key.client))
    }

    @Test("a commitment lives 120 seconds and a pre-fetched one 600, swept or not", arguments: [true, false])
    func lifetimes(isSwept: Bool) throws {
        let key = try DealtKey(1, of: 1)
        for (age, lives, prefetchedLives) in [
            (119, true, true), (120, false, true), (599, false, true), (600, false, false),
        ] {
            let pending = PendingCommits()
            let one = try pending.commit(client: key.client, share: key.signers[0], members: [1], now: now)
            let batch = try pending.commitBatch(
                client: key.client,
                share: key.signers[0],
                members: [1],
                count: 2,
                now: now
            )
            let later = now + Int64(age)
            if isSwept { pending.sweep(now: later) }
            #expect(takes(pending, one.commitID, client: key.client, now: later) == lives)
            #expect(takes(pending, batch[1].commitID, client: key.client, now: later) == prefetchedLives)
            #expect(pending.counts.expired >= (lives ? 0 : 1))
        }
    }

    @Test("a session keeps its 32 latest, and its pre-fetched ones beside them")
    func perSession() throws {
        let key = try DealtKey(1, of: 1)
        let pending = PendingCommits()
        let batch = try pending.commitBatch(
            client: key.client,
            share: key.signers[0],
            members: [1],
            count: 64,
            now: now
        )
        let ids = try (0..<33).map { _ in
            try pending.commit(client: key.client, share: key.signers[0], members: [1], now: now).commitID
        }
        #expect(pending.counts.dropped == 1 && pending.counts.pending == 96)
        #expect(!takes(pending, ids[0], client: key.client))
        #expect(takes(pending, ids[1], client: key.client) && takes(pending, batch[0].commitID, client: key.client))
        for _ in 0..<4 {
            _ = try pending.commitBatch(client: key.client, share: key.signers[0], members: [1], count: 64, now: now)
        }
        #expect(pending.counts.pending == 31 + 256)
        #expect(!takes(pending, batch[63].commitID, client: key.client))
    }

    @Test("beyond the limit of all sessions the oldest goes, of whatever kind")
    func total() throws {
        let key = try DealtKey(1, of: 1)
        let pending = PendingCommits(limits: PendingCommits.Limits(total: 4))
        let batch = try pending.commitBatch(client: .random(), share: key.signers[0], members: [1], count: 2, now: now)
        let clients = (0..<3).map { _ in Hex32.random() }
        let ids = try clients.map {
            try pending.commit(client: $0, share: key.signers[0], members: [1], now: now).commitID
        }
        #expect(pending.counts.pending == 4 && pending.counts.dropped == 1)
        _ = batch
        for _ in 0..<2 {
            _ = try pending.commit(client: .random(), share: key.signers[0], members: [1], now: now)
        }
        #expect(!takes(pending, ids[0], client: clients[0]) && takes(pending, ids[1], client: clients[1]))
    }

    @Test("a session's end takes its commitments with it, and no others")
    func removal() throws {
        let key = try DealtKey(1, of: 1)
        let pending = PendingCommits()
        let other = Hex32.random()
        let id = try pending.commit(client: key.client, share: key.signers[0], members: [1], now: now).commitID
        _ = try pending.commitBatch(client: key.client, share: key.signers[0], members: [1], count: 3, now: now)
        let kept = try pending.commit(client: other, share: key.signers[0], members: [1], now: now).commitID
        pending.remove(client: key.client)
        pending.remove(client: key.client)
        #expect(pending.counts.dropped == 4 && pending.counts.pending == 1)
        #expect(!takes(pending, id, client: key.client) && takes(pending, kept, client: other))
    }

    @Test("members that cannot sign get no nonces, and a batch is 1 to 64")
    func refusals() throws {
        let key = try DealtKey(2, of: 3)
        let pending = PendingCommits()
        for wrong in [[], [1], [2, 3], [1, 1], [1, 4], [1, 0], [1, -2], [1, .max], [1, 2, 3, 1, 2, 3]] {
            #expect(
                refusal { _ = try pending.commit(client: key.client, share: key.signers[0], members: wrong, now: now) }
                    == .badMembers
            )
        }
        for wrong in [0, -1, 65, .max, .min] {
            #expect(
                refusal {
                    _ = try pending.commitBatch(
                        client: key.client,
                        share: key.signers[0],
                        members: [1, 2],
                        count: wrong,
                        now: now
                    )
                } == .badRequest
            )
        }
        #expect(pending.counts.pending == 0 && pending.counts.dropped == 0)
    }

    @Test("a clock that jumps to its end or back does no harm", arguments: [Int64.max, .min, -1])
    func clocks(jump: Int64) throws {
        let key = try DealtKey(1, of: 1)
        let pending = PendingCommits()
        let id = try pending.commit(client: key.client, share: key.signers[0], members: [1], now: jump).commitID
        pending.sweep(now: jump)
        _ = takes(pending, id, client: key.client, now: jump)
        #expect(pending.counts.pending == 0)
    }
}
