// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Pomade
import Postgres
import SealedRecords
import Secp256k1
import SigningRounds
import Testing

@testable import Signer

/// Somebody who has stolen one thing, and wants all others with it.
@Suite("Thieves")
struct ThiefTests {
    enum Way: CaseIterable { case newAddress, sameAddress, rotation }

    @Test(
        "who reads the mailbox cannot make a password of a code and be spared the wait with it",
        arguments: Way.allCases
    )
    func mailbox(way: Way) async throws {
        try await Stage.with({ $0.recoveryDelay = 86_400 }) { stage in
            let user = try User()
            try await user.register(stage)
            let thief = Hex32.random()
            let code = try await user.newCode(stage)
            _ = try await stage.service.startLogin(user.code(code), caller: caller(thief))
            _ = try await stage.service.selectLogin(.init(client: user.clients[0]), caller: caller(thief))
            let password = Hex32.random()
            var address = user.email
            if way == .rotation {
                let code = try await user.newCode(stage)
                let auth = PomadeBody.Credentials(emailHash: user.emailHash, secret: .code(code))
                let body = PomadeBody.PasswordRotation(auth: auth, passwordHash: password)
                _ = try await stage.service.rotatePassword(body, caller: caller(thief))
            } else {
                if way == .newAddress { address = "thief@example.org" }
                let body = PomadeBody.RecoverySetup(email: address, passwordHash: "\(password)")
                try await stage.service.setUpRecovery(body, caller: caller(thief))
            }
            let hash = QuickHashing.hash(Array(address.utf8), Stage.url)
            let start = PomadeBody.Start(auth: .init(emailHash: hash, secret: .passwordHash(password)))
            func recover() async throws -> FailureCode? {
                try await refusal { try await stage.service.startRecovery(start, caller: caller(.random())) }
            }
            #expect(try await recover() == .recoveryPending)
            // The owner hears of it, at the address that the thief did not choose.
            let warned = stage.mail.all.filter { if case .recoveryRequested = $0.notice { true } else { false } }
            #expect(warned.contains { $0.address == user.email })
            // A login by that password is no better than the code behind it.
            let second = Hex32.random()
            _ = try await stage.service.startLogin(start, caller: caller(second))
            _ = try await stage.service.selectLogin(.init(client: thief), caller: caller(second))
            let other = PomadeBody.RecoverySetup(email: "other@example.org", passwordHash: "\(password)")
            try await stage.service.setUpRecovery(other, caller: caller(second))
            let otherHash = QuickHashing.hash(Array("other@example.org".utf8), Stage.url)
            let otherStart = PomadeBody.Start(auth: .init(emailHash: otherHash, secret: .passwordHash(password)))
            #expect(
                try await refusal { try await stage.service.startRecovery(otherStart, caller: caller(.random())) }
                    == .recoveryPending
            )
            stage.clock.advance(86_401)
            #expect(try await recover() == nil)
        }
    }

    /// A group with a victim's key of which the maker knows one share, though not the key.
    private func imitation(of user: User) throws -> (share: WireShare, group: WireGroup) {
        let secret = Scalar.random()
        let key = user.group.group.key
        let first = try #require(secret.point)
        // On a straight line: f(2) = 2 f(1) - f(0).
        let second = try #require(Point.sum([first, first, -key]))
        let commits = try [first, second].enumerated().map { index, point in
            let hex = try #require(Hex33(point.compressed))
            return WireCommit(idx: index + 1, pubkey: hex, hiddenNonce: hex, binderNonce: hex)
        }
        let group = WireGroup(commits: commits, key: user.group.wire.key, threshold: 2)
        return (WireShare(idx: 1, seckey: try #require(Hex32(secret.rawBytes))), group)
    }

    @Test("a session of a made-up group does not get the share whose key it imitates, whoever rewrites the row")
    func imitatedShare() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let (share, group) = try imitation(of: user)
            let thief = Hex32.random()
            try await stage.service.register(
                .init(share: share, group: group, recovery: true),
                caller: caller(thief)
            )
            let password = Hex32.random()
            let setup = PomadeBody.RecoverySetup(email: "thief@example.org", passwordHash: "\(password)")
            try await stage.service.setUpRecovery(setup, caller: caller(thief))
            let victim = stage.keys.ring.current.name(user.clients[0].bytes, in: "sessions")
            try await stage.client.execute(
                Statement(
                    "t_imitate",
                    """
                    UPDATE signer.sessions SET version = 7, share_id = (SELECT share_id FROM signer.sessions WHERE id = $1)
                    """
                ),
                [.bytea(victim)]
            )
            #expect(
                try await refusal { try await stage.service.commit(.init(members: [1, 2]), caller: caller(thief)) }
                    == .internalError
            )
            let hash = QuickHashing.hash(Array("thief@example.org".utf8), Stage.url)
            let start = PomadeBody.Start(auth: .init(emailHash: hash, secret: .passwordHash(password)))
            let key = Hex32.random()
            _ = try await stage.service.startRecovery(start, caller: caller(key))
            #expect(
                try await refusal {
                    try await stage.service.selectRecovery(.init(client: thief), caller: caller(key))
                } == .internalError
            )
            // The owner's own session is what it was.
            _ = try await stage.service.commit(.init(members: [1, 2]), caller: caller(user.clients[0]))
        }
    }

    @Test("a row that was given another user's name shows nothing to that user")
    func renamedOwner() async throws {
        try await Stage.with { stage in
            let (user, thief) = (try User(), try User())
            try await user.register(stage)
            try await thief.register(stage)
            let name = stage.keys.ring.current.name(thief.key.bytes, in: "users")
            try await stage.client.execute(
                Statement("t_rename", "UPDATE signer.sessions SET user_id = $1"),
                [.bytea(name)]
            )
            let items = try await stage.service.list(caller: caller(thief.key)).items
            #expect(items.map(\.client) == [thief.clients[0]])
        }
    }

    /// New shares of a user's key, as a client deals them, for the first signer.
    static func refresh(_ user: User) throws -> (body: PomadeBody.RefreshStage, share: WireShare) {
        let old = user.group.group
        let refresh = try Refresh(group: old, participants: old.participants)
        let renewed = try old.refreshed(by: [refresh.commitment], participants: old.participants)
        let commits = try renewed.participants.map { participant in
            let share = try #require(renewed.publicShares[participant])
            let point = try #require(Hex33(share.compressed))
            return WireCommit(idx: Int(participant.number), pubkey: point, hiddenNonce: point, binderNonce: point)
        }
        let own = try #require(Identifier(1))
        let delta = try #require(refresh.deltas[own])
        let body = PomadeBody.RefreshStage(
            group: WireGroup(commits: commits, key: user.group.wire.key, threshold: user.group.wire.threshold),
            delta: .init(idx: 1, delta: try #require(Hex32(delta.rawBytes))),
            commitments: try refresh.commitment.rest.map { try #require(Hex33($0.compressed)) }
        )
        let secret = try #require(Hex32((user.dealing.shares[0].secret + delta).rawBytes))
        return (body, WireShare(idx: 1, seckey: secret))
    }

    @Test(
        "a session that may not sign for its owner's commands may not change the share either",
        arguments: [SessionPolicy(kinds: [1]), SessionPolicy(maximumPerDay: 0)]
    )
    func restrictedRefresh(policy: SessionPolicy) async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let client = caller(user.clients[0])
            let (body, _) = try Self.refresh(user)
            let gid = Hex32(certain: try RegisteredGroup(body.group).id)
            try await stage.service.stageRefresh(body, caller: client)
            try await stage.service.setPolicy(
                .init(client: user.clients[0], policy: policy),
                caller: caller(user.key)
            )
            #expect(try await refusal { try await stage.service.stageRefresh(body, caller: client) } == .policyDenied)
            #expect(
                try await refusal { try await stage.service.commitRefresh(.init(gid: gid), caller: client) }
                    == .policyDenied
            )
            let kept = try await stage.service.commit(.init(members: [1, 2]), caller: client)
            #expect(kept.pubkey.bytes == user.dealing.shares[0].publicShare.compressed)
        }
    }

    @Test("a refresh to a share that was registered already joins its sessions")
    func refreshToKnownShare() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let (body, share) = try Self.refresh(user)
            let early = Hex32.random()
            try await stage.service.register(
                .init(share: share, group: body.group, recovery: false),
                caller: caller(early)
            )
            let client = caller(user.clients[0])
            let gid = Hex32(certain: try RegisteredGroup(body.group).id)
            try await stage.service.stageRefresh(body, caller: client)
            try await stage.service.commitRefresh(.init(gid: gid), caller: client)
            for key in [user.clients[0], early] {
                let made = try await stage.service.commit(.init(members: [1, 2]), caller: caller(key))
                #expect(made.pubkey == body.group.commits[0].pubkey)
            }
            let rows = try await stage.client.query(Statement("t", "SELECT count(*) FROM signer.shares"))
            #expect(try rows[0].int8(0) == 1)
        }
    }

    @Test("guesses that are sent all at once count like guesses one after the other")
    func parallelGuesses() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            // The right one is among the last: whoever guesses so often must not get to it.
            let guesses = (0..<40).map { $0 == 39 ? user.passwordHash : Hex32.random() }
            let found = await withTaskGroup(of: Bool.self) { group in
                for guess in guesses {
                    group.addTask {
                        let start = user.password(guess)
                        return (try? await stage.service.startLogin(start, caller: caller(.random()))) != nil
                    }
                }
                return await group.reduce(false) { $0 || $1 }
            }
            #expect(!found)
        }
    }

    @Test("nobody fills the mailbox of an address that was not confirmed")
    func mailBomb() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let before = stage.mail.all.count
            for _ in 0..<30 {
                let key = Hex32.random()
                _ = try await stage.service.startRecovery(user.password(), caller: caller(key))
                _ = try await stage.service.selectRecovery(.init(client: user.clients[0]), caller: caller(key))
            }
            #expect(stage.mail.all.count - before <= 3)
            #expect(stage.mail.all.count > before)
        }
    }

    @Test("logins do not heap up sessions: beyond the limit, the login that was idle longest gives way")
    func endlessLogins() async throws {
        try await Stage.with({ $0.sessionsPerUser = 4 }) { stage in
            let user = try User()
            try await user.register(stage)
            var keys: [Hex32] = []
            for _ in 0..<8 {
                let key = Hex32.random()
                _ = try await stage.service.startLogin(user.password(), caller: caller(key))
                _ = try await stage.service.selectLogin(.init(client: user.clients[0]), caller: caller(key))
                keys.append(key)
                stage.clock.advance(1)
            }
            let items = try await stage.service.list(caller: caller(user.key)).items
            #expect(Set(items.map(\.client)) == Set([user.clients[0]] + keys.suffix(3)))
        }
    }
}
