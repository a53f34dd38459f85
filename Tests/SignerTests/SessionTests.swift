// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import FROST
import Pomade
import Postgres
import Secp256k1
import SigningRounds
import Synchronization
import Testing

@testable import Signer

@Suite("Sessions")
struct SessionTests {
    @Test("only the user's key lists, deactivates and deletes; others hear that there is nothing")
    func owner() async throws {
        try await Stage.with { stage in
            let (user, other) = (try User(), try User())
            try await user.register(stage)
            try await other.register(stage)
            let body = PomadeBody.Selection(client: user.clients[0])
            for key in [other.key, user.clients[0], .random()] {
                #expect(
                    try await refusal { try await stage.service.deactivate(body, caller: caller(key)) } == .notFound
                )
                #expect(try await refusal { try await stage.service.delete(body, caller: caller(key)) } == .notFound)
                #expect(
                    try await refusal {
                        try await stage.service.setPolicy(
                            .init(client: body.client, policy: .init()),
                            caller: caller(key)
                        )
                    } == .notFound
                )
                let items = try await stage.service.list(caller: caller(key)).items
                #expect(!items.map(\.client).contains(body.client))
            }
            #expect(try await stage.service.list(caller: caller(user.key)).items.map(\.email) == [user.email])
        }
    }

    @Test("deactivation holds at once in every process, keeps its first time, and leaves recovery")
    func deactivation() async throws {
        try await Stage.with { first in
            let second = try await first.neighbour()
            let user = try User(1, of: 1)
            try await user.register(first)
            let client = caller(user.clients[0])
            // Both processes have the session in memory.
            let pending = try await first.service.commit(.init(members: [1]), caller: client)
            _ = try await second.service.commit(.init(members: [1]), caller: client)
            try await second.service.deactivate(.init(client: user.clients[0]), caller: caller(user.key))
            let nonces = [PomadeBody.Nonces(idx: 1, hidden: pending.hidden, binder: pending.binder)]
            let body = PomadeBody.Complete(commitID: pending.commitID, request: try user.request([1]), nonces: nonces)
            #expect(try await refusal { try await first.service.complete(body, caller: client) } == .deactivated)
            #expect(
                try await refusal { try await first.service.commit(.init(members: [1]), caller: client) }
                    == .deactivated
            )
            let time = try await first.service.list(caller: caller(user.key)).items[0].deactivatedAt
            first.clock.advance(100)
            try await first.service.deactivate(.init(client: user.clients[0]), caller: caller(user.key))
            #expect(try await first.service.list(caller: caller(user.key)).items[0].deactivatedAt == time)
            _ = try await first.service.startRecovery(user.password(), caller: caller(.random()))
        }
    }

    @Test("under load no request that begins after a deactivation is answered with a nonce")
    func deactivationUnderLoad() async throws {
        try await Stage.with { first in
            let second = try await first.neighbour()
            for _ in 0..<5 {
                let user = try User(1, of: 1)
                try await user.register(first)
                let isOver = Flag()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<32 {
                        let stage = number.isMultiple(of: 2) ? first : second
                        group.addTask {
                            while true {
                                let beganAfter = isOver.isRaised
                                let code = try await refusal {
                                    try await stage.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
                                }
                                if code == nil, beganAfter { Issue.record("a nonce after the deactivation") }
                                if beganAfter || code == .rateLimited { return }
                            }
                        }
                    }
                    _ = try await second.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
                    try await second.service.deactivate(.init(client: user.clients[0]), caller: caller(user.key))
                    isOver.raise()
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a deleted session is gone at once in every process, with its share unless another uses it")
    func deletion() async throws {
        try await Stage.with { first in
            let second = try await first.neighbour()
            let user = try User(1, of: 1)
            try await user.register(first)
            let new = Hex32.random()
            _ = try await first.service.startLogin(user.password(), caller: caller(new))
            _ = try await first.service.selectLogin(.init(client: user.clients[0]), caller: caller(new))
            _ = try await first.service.commit(.init(members: [1]), caller: caller(new))
            try await second.service.delete(.init(client: user.clients[0]), caller: caller(user.key))
            #expect(
                try await refusal {
                    try await first.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
                }
                    == .noSession
            )
            _ = try await second.service.commit(.init(members: [1]), caller: caller(new))
            try await second.service.delete(.init(client: new), caller: caller(user.key))
            #expect(
                try await refusal { try await first.service.commit(.init(members: [1]), caller: caller(new)) }
                    == .noSession
            )
            for table in ["shares", "sessions", "emails", "confirmations"] {
                let rows = try await first.client.query(Statement("t_\(table)", "SELECT count(*) FROM signer.\(table)"))
                #expect(try rows[0].int8(0) == 0, "\(table)")
            }
        }
    }

    @Test("a key that comes back after deletion gets its new share, not the one in memory")
    func reuse() async throws {
        try await Stage.with { stage in
            let (before, after) = (try User(1, of: 1), try User(1, of: 1))
            let client = Hex32.random()
            try await stage.service.register(before.body(), caller: caller(client))
            let old = try await stage.service.commit(.init(members: [1]), caller: caller(client))
            let neighbour = try await stage.neighbour()
            try await neighbour.service.delete(.init(client: client), caller: caller(before.key))
            try await neighbour.service.register(after.body(), caller: caller(client))
            let new = try await stage.service.commit(.init(members: [1]), caller: caller(client))
            #expect(new.pubkey != old.pubkey)
            #expect(new.pubkey.bytes == after.dealing.shares[0].publicShare.compressed)
        }
    }

    @Test("a policy holds at once in every process: end, kinds, count of a day, exchange")
    func policy() async throws {
        try await Stage.with { first in
            let second = try await first.neighbour()
            let user = try User(1, of: 1)
            try await user.register(first)
            func sign(_ stage: Stage) async throws -> FailureCode? {
                try await refusal {
                    let client = caller(user.clients[0])
                    let commit = try await stage.service.commit(.init(members: [1]), caller: client)
                    let nonces = [PomadeBody.Nonces(idx: 1, hidden: commit.hidden, binder: commit.binder)]
                    let request = try user.request([1])
                    _ = try await stage.service.complete(
                        .init(commitID: commit.commitID, request: request, nonces: nonces),
                        caller: client
                    )
                }
            }
            func set(_ policy: SessionPolicy) async throws {
                try await second.service.setPolicy(
                    .init(client: user.clients[0], policy: policy),
                    caller: caller(user.key)
                )
            }
            #expect(try await sign(first) == nil)
            try await set(SessionPolicy(kinds: [1]))
            #expect(try await sign(first) == .policyDenied)
            try await set(SessionPolicy(maximumPerDay: 2))
            #expect(try await sign(first) == nil)
            #expect(try await sign(second) == nil)
            #expect(try await sign(first) == .policyDenied)
            first.clock.advance(86_400)
            #expect(try await sign(first) == nil)
            try await set(SessionPolicy(maximumPerDay: 0))
            #expect(try await sign(first) == .policyDenied)
            try await set(SessionPolicy(allowsExchange: false))
            let point = try #require(Scalar.random().point)
            let peer = try #require(Hex32(point.xOnly))
            let exchange = PomadeBody.KeyExchange(idx: 1, members: [1], peer: peer)
            #expect(
                try await refusal { try await first.service.exchange(exchange, caller: caller(user.clients[0])) }
                    == .policyDenied
            )
            try await set(SessionPolicy(expiresAt: first.clock.now + 10))
            #expect(try await sign(first) == nil)
            first.clock.advance(10)
            #expect(try await sign(first) == .deactivated)
        }
    }

    @Test("a batch of commitments signs as many messages, each once")
    func batch() async throws {
        try await Stage.with { stage in
            let user = try User(1, of: 1)
            try await user.register(stage)
            let client = caller(user.clients[0])
            let batch = try await stage.service.commitBatch(.init(members: [1], count: 3), caller: client)
            for commit in batch {
                let nonces = [PomadeBody.Nonces(idx: 1, hidden: commit.hidden, binder: commit.binder)]
                let body = PomadeBody.Complete(
                    commitID: commit.commitID,
                    request: try user.request([1]),
                    nonces: nonces
                )
                _ = try await stage.service.complete(body, caller: client)
                #expect(try await refusal { try await stage.service.complete(body, caller: client) } == .commitGone)
            }
            // Another session cannot take what is not its own.
            let other = try User(1, of: 1)
            try await other.register(stage)
            let own = try await stage.service.commit(.init(members: [1]), caller: client)
            let nonces = [PomadeBody.Nonces(idx: 1, hidden: own.hidden, binder: own.binder)]
            let body = PomadeBody.Complete(commitID: own.commitID, request: try user.request([1]), nonces: nonces)
            #expect(
                try await refusal { try await stage.service.complete(body, caller: caller(other.clients[0])) }
                    == .commitGone
            )
            _ = try await stage.service.complete(body, caller: client)
        }
    }

    @Test("the 501st step within a minute is refused, and signing goes on after a pause")
    func rate() async throws {
        try await Stage.with { stage in
            let user = try User(1, of: 1)
            try await user.register(stage)
            let client = caller(user.clients[0])
            for _ in 0..<500 { _ = try await stage.service.commit(.init(members: [1]), caller: client) }
            #expect(
                try await refusal { try await stage.service.commit(.init(members: [1]), caller: client) }
                    == .rateLimited
            )
            stage.clock.advance(1)
            _ = try await stage.service.commit(.init(members: [1]), caller: client)
        }
    }

    @Test("a refresh changes the share everywhere, erases the old one and leaves the key")
    func refresh() async throws {
        try await Stage.with { stage in
            let user = try User(2, of: 2)
            try await user.register(stage, 0)
            let old = user.group.group
            let refresh = try Refresh(group: old, participants: old.participants)
            let renewed = try old.refreshed(by: [refresh.commitment], participants: old.participants)
            let commits = try renewed.participants.map { participant in
                let share = try #require(renewed.publicShares[participant])
                let point = try #require(Hex33(share.compressed))
                return WireCommit(idx: Int(participant.number), pubkey: point, hiddenNonce: point, binderNonce: point)
            }
            let group = WireGroup(commits: commits, key: user.group.wire.key, threshold: 2)
            let own = try #require(Identifier(1))
            let delta = try #require(refresh.deltas[own])
            let body = PomadeBody.RefreshStage(
                group: group,
                delta: .init(idx: 1, delta: Hex32(certain: delta.rawBytes)),
                commitments: try refresh.commitment.rest.map { try #require(Hex33($0.compressed)) }
            )
            let client = caller(user.clients[0])
            let gid = Hex32(certain: try RegisteredGroup(group).id)
            #expect(
                try await refusal { try await stage.service.commitRefresh(.init(gid: gid), caller: client) }
                    == .badGroup
            )
            try await stage.service.stageRefresh(body, caller: client)
            let before = try await stage.service.commit(.init(members: [1, 2]), caller: client)
            #expect(before.pubkey.bytes == user.dealing.shares[0].publicShare.compressed)
            let neighbour = try await stage.neighbour()
            try await neighbour.service.commitRefresh(.init(gid: gid), caller: client)
            try await neighbour.service.commitRefresh(.init(gid: gid), caller: client)
            let after = try await stage.service.commit(.init(members: [1, 2]), caller: client)
            #expect(after.pubkey == commits[0].pubkey && after.pubkey != before.pubkey)
            let key = Hex32.random()
            _ = try await stage.service.startRecovery(user.password(), caller: caller(key))
            let share = try await stage.service.selectRecovery(.init(client: user.clients[0]), caller: caller(key))
            #expect(
                share.share.seckey.bytes == (user.dealing.shares[0].secret + delta).rawBytes && share.group == group
            )
            let rows = try await stage.client.query(Statement("t", "SELECT count(*) FROM signer.shares"))
            #expect(try rows[0].int8(0) == 1)
        }
    }
}

/// Raised once, seen by all tasks.
private final class Flag: Sendable {
    private let value = Mutex(false)
    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
}
