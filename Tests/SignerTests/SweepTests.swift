// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Pomade
import Postgres
import Testing

@testable import Signer

@Suite("What happens with time")
struct SweepTests {
    private static let day: Int64 = 86_400

    private func items(_ stage: Stage, _ user: User) async throws -> [SessionItem] {
        try await stage.service.list(caller: caller(user.key)).items
    }

    private func shares(_ stage: Stage) async throws -> Int64 {
        try await stage.client.query(Statement("t_shares", "SELECT count(*) FROM signer.shares"))[0].int8(0)
    }

    @Test("an idle session is deactivated, not deleted; one that signs is not")
    func idle() async throws {
        try await Stage.with { stage in
            let (idle, busy) = (try User(1, of: 1), try User(1, of: 1))
            try await idle.register(stage)
            try await busy.register(stage)
            for _ in 0..<31 {
                stage.clock.advance(Self.day)
                let client = caller(busy.clients[0])
                let commit = try await stage.service.commit(.init(members: [1]), caller: client)
                let nonces = [PomadeBody.Nonces(idx: 1, hidden: commit.hidden, binder: commit.binder)]
                let request = try busy.request([1])
                _ = try await stage.service.complete(
                    .init(commitID: commit.commitID, request: request, nonces: nonces),
                    caller: client
                )
                await stage.service.sweep()
            }
            #expect(try await items(stage, idle)[0].deactivatedAt != nil)
            let active = try await items(stage, busy)[0]
            #expect(active.deactivatedAt == nil && active.lastActivity == stage.clock.now)
            // Its share is still there for its owner.
            let key = Hex32.random()
            _ = try await stage.service.startRecovery(idle.password(), caller: caller(key))
            _ = try await stage.service.selectRecovery(.init(client: idle.clients[0]), caller: caller(key))
        }
    }

    @Test("a session that nobody can recover goes 90 days after its deactivation, with its share")
    func unrecoverable() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage, recovery: false)
            stage.clock.advance(30 * Self.day)
            await stage.service.sweep()
            stage.clock.advance(89 * Self.day)
            await stage.service.sweep()
            #expect(try await items(stage, user).count == 1)
            stage.clock.advance(Self.day)
            await stage.service.sweep()
            #expect(try await items(stage, user).isEmpty)
            #expect(try await shares(stage) == 0)
        }
    }

    @Test("a share that can be recovered stays three years, and its owner is told three times before it goes")
    func retention() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            var told: [Int: Int64] = [:]
            let begin = stage.clock.now
            for _ in 0..<1100 {
                stage.clock.advance(Self.day)
                await stage.service.sweep()
                for letter in stage.mail.all {
                    if case .retention(let days, _) = letter.notice, told[days] == nil {
                        told[days] = (stage.clock.now - begin) / Self.day
                    }
                }
                if try await shares(stage) == 0 { break }
            }
            #expect(told == [90: 1005, 30: 1065, 7: 1088])
            #expect((stage.clock.now - begin) / Self.day == 1095)
        }
    }

    @Test("a recovery after the first warning begins the three years anew, warnings and all")
    func begunAnew() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            stage.clock.advance(30 * Self.day)
            await stage.service.sweep()
            stage.clock.advance(1000 * Self.day)
            await stage.service.sweep()
            #expect(stage.mail.all.count == 2)
            let key = Hex32.random()
            _ = try await stage.service.startRecovery(user.password(), caller: caller(key))
            _ = try await stage.service.selectRecovery(.init(client: user.clients[0]), caller: caller(key))
            await stage.service.sweep()
            let letters = stage.mail.all.count
            for _ in 0..<20 {
                stage.clock.advance(50 * Self.day)
                await stage.service.sweep()
            }
            #expect(stage.mail.all.count == letters)
            stage.clock.advance(10 * Self.day)
            await stage.service.sweep()
            #expect(stage.mail.all.count == letters + 1)
        }
    }

    @Test("a signer that was off for years deletes nothing before its owner was told and a week has passed")
    func longSleep() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            stage.clock.advance(3000 * Self.day)
            for _ in 0..<10 { await stage.service.sweep() }
            #expect(try await shares(stage) == 1)
            stage.clock.advance(7 * Self.day)
            await stage.service.sweep()
            #expect(try await shares(stage) == 0)
        }
    }

    @Test("what passes is swept away")
    func passing() async throws {
        try await Stage.with({ $0.recoveryDelay = 60 }) { stage in
            let user = try User()
            try await user.register(stage)
            let code = try await user.newCode(stage)
            _ = try await refusal { try await stage.service.startRecovery(user.code(code), caller: caller(.random())) }
            _ = try await stage.service.startLogin(user.password(), caller: caller(.random()))
            _ = try await user.newCode(stage)
            stage.clock.advance(8 * Self.day)
            await stage.service.sweep()
            for table in ["pending", "challenges", "recovery_requests", "confirmations"] {
                let rows = try await stage.client.query(Statement("t_\(table)", "SELECT count(*) FROM signer.\(table)"))
                #expect(try rows[0].int8(0) == 0, "\(table)")
            }
        }
    }
}
