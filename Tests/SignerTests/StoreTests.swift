// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import FROST
import Migrations
import Pomade
import Postgres
import PostgresTestSupport
import SealedRecords
import Secp256k1
import Testing

@testable import Signer

@Suite("What a signer keeps")
struct StoreTests {
    private static let all = [
        "keyring", "shares", "sessions", "emails", "pending", "challenges", "recovery_requests", "confirmations",
        "audit",
        "audit_heads",
    ]

    @Test("the database shows no keys, addresses, hashes, codes or shares")
    func nothingInClear() async throws {
        try await Stage.with({ $0.recoveryDelay = 60 }) { stage in
            let user = try User()
            try await user.register(stage)
            _ = try await stage.service.startLogin(user.password(), caller: caller(.random()))
            let code = try await user.newCode(stage)
            _ = try await refusal { try await stage.service.startRecovery(user.code(code), caller: caller(.random())) }
            _ = try await user.newCode(stage)
            var text = ""
            for table in Self.all {
                let rows = try await stage.client.query(
                    Statement("t_\(table)", "SELECT coalesce(string_agg(t::text, ''), '') FROM signer.\(table) t")
                )
                text += try rows[0].text(0)
            }
            let secrets =
                [user.key, user.clients[0], user.emailHash, user.passwordHash].map { "\($0)" }
                + [
                    Hex.encode(user.dealing.shares[0].secret.rawBytes), user.email, Hex.encode(Array(user.email.utf8)),
                    code,
                    Stage.secret,
                ]
            #expect(text.count > 2000)
            for secret in secrets { #expect(!text.contains(secret)) }
        }
    }

    @Test("rows that were exchanged or changed are not believed: nothing is signed and nothing handed out")
    func exchanged() async throws {
        try await Stage.with { stage in
            let (user, thief) = (try User(1, of: 1), try User(1, of: 1))
            try await user.register(stage)
            try await thief.register(stage)
            try await stage.client.execute(
                Statement(
                    "t_swap",
                    "UPDATE signer.sessions SET share_id = (SELECT id FROM signer.shares ORDER BY id LIMIT 1), version = 7"
                )
            )
            // One of the two now points to the other's share, whose group is not its user's.
            var wrong = 0
            for one in [user, thief] {
                let client = caller(one.clients[0])
                let commit = try? await stage.service.commit(.init(members: [1]), caller: client)
                if let commit, commit.pubkey.bytes != one.dealing.shares[0].publicShare.compressed { wrong += 1 }
            }
            #expect(wrong == 0)
            try await stage.client.execute(
                Statement(
                    "t_swap2",
                    "UPDATE signer.sessions a SET sealed = b.sealed, version = 8 FROM signer.sessions b WHERE a.id <> b.id"
                )
            )
            for one in [user, thief] {
                let code = try await refusal {
                    try await stage.service.commit(.init(members: [1]), caller: caller(one.clients[0]))
                }
                #expect(code == .internalError)
            }
        }
    }

    @Test("whoever clears the deactivation in the database does not wake the session")
    func awakened() async throws {
        try await Stage.with { stage in
            let user = try User(1, of: 1)
            try await user.register(stage)
            try await stage.service.deactivate(.init(client: user.clients[0]), caller: caller(user.key))
            try await stage.client.execute(
                Statement("t_wake", "UPDATE signer.sessions SET deactivated_at = NULL, version = 3")
            )
            let code = try await refusal {
                try await stage.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
            }
            #expect(code == .deactivated)
        }
    }

    // MARK: Secrets

    private static let next = String(repeating: "c3", count: 32)

    @Test("another secret does not open the database; with the one before it does, and everything is written anew")
    func rotation() async throws {
        try await Stage.with { stage in
            let user = try User(1, of: 1)
            try await user.register(stage)
            do {
                _ = try await Stage(stage.client, secret: Self.next)
                Issue.record("another secret was taken")
            } catch let error as SealedRecordError {
                #expect(error.code == .unknownKey)
            }
            let both = try await Stage(
                stage.client,
                clock: stage.clock,
                mail: stage.mail,
                secret: Self.next,
                previous: Stage.secret
            )
            #expect(both.keys.identity.rawBytes == stage.keys.identity.rawBytes)
            // Half is written anew by use, the rest by the rotation; it may be stopped and begun again.
            _ = try await both.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
            let rotation = SecretRotation(
                configuration: both.service.configuration,
                keys: both.keys,
                client: stage.client
            )
            #expect(try await rotation.run() == .init(sessions: 1, shares: 1, auditHeads: 1))
            #expect(try await rotation.run() == .init())
            // A process that knows only the old secret cannot tell who has a session: it says that it cannot serve.
            let old = try await refusal {
                try await stage.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
            }
            #expect(old == .internalError)
            // The old secret is not needed any more, neither for passwords nor for the audit.
            let after = try await Stage(stage.client, clock: stage.clock, mail: stage.mail, secret: Self.next)
            _ = try await after.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
            _ = try await after.service.startLogin(user.password(), caller: caller(.random()))
            let code = try await user.newCode(after)
            _ = try await after.service.startLogin(user.code(code), caller: caller(.random()))
            let report = try await AuditVerification(client: stage.client, keys: after.keys).run()
            #expect(report.faults.isEmpty && report.chains == 1 && report.entries >= 2)
            do {
                _ = try await Stage(stage.client)
                Issue.record("the old secret was taken")
            } catch let error as SealedRecordError {
                #expect(error.code == .unknownKey)
            }
        }
    }

    @Test("a process with the old secret and one with the new one serve side by side")
    func sideBySide() async throws {
        try await Stage.with { old in
            let user = try User(1, of: 1)
            try await user.register(old)
            let new = try await Stage(
                old.client,
                clock: old.clock,
                mail: old.mail,
                secret: Self.next,
                previous: Stage.secret
            )
            for stage in [old, new] {
                _ = try await stage.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
            }
            // Written by the old process after the new one has started: still found, still readable.
            let late = try User(1, of: 1)
            try await late.register(old)
            _ = try await new.service.commit(.init(members: [1]), caller: caller(late.clients[0]))
            try await new.service.deactivate(.init(client: late.clients[0]), caller: caller(late.key))
            #expect(try await new.service.list(caller: caller(late.key)).items[0].deactivatedAt != nil)
        }
    }

    // MARK: Audit

    @Test("a user sees what was done, chained; the signer can prove that nothing is missing")
    func audit() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            try await stage.service.deactivate(.init(client: user.clients[0]), caller: caller(user.key))
            let audit = try await stage.service.audit(caller: caller(user.key))
            #expect(audit.entries.map(\.action) == ["register", "recovery_setup", "deactivate"])
            #expect(audit.entries.last?.hash == audit.head && audit.entries[1].prev == audit.entries[0].hash)
            #expect(try await stage.service.audit(caller: caller(.random())).entries.isEmpty)
            let verification = AuditVerification(client: stage.client, keys: stage.keys)
            #expect(try await verification.run().faults.isEmpty)
            // Nobody changes it, not even the owner of the table, without taking the guard away first.
            for sql in ["UPDATE signer.audit SET sealed = sealed", "DELETE FROM signer.audit", "TRUNCATE signer.audit"]
            {
                await #expect(throws: PostgresError.self) {
                    try await stage.client.execute(Statement("t_\(sql.prefix(6))", sql))
                }
            }
            let chain = try await stage.client.query(Statement("t_chain", "SELECT chain FROM signer.audit LIMIT 1"))[0]
                .bytea(0)
            try await stage.client.withConnection { session in
                try await session.script("ALTER TABLE signer.audit DISABLE TRIGGER append_only")
                try await session.execute(
                    Statement("t_cut", "DELETE FROM signer.audit WHERE chain = $1 AND seq = 3"),
                    [.bytea(chain)]
                )
            }
            #expect(try await verification.run().faults.count == 1)
            try await stage.client.execute(Statement("t_end", "DELETE FROM signer.audit_heads"))
            #expect(try await verification.run().faults.count == 1)
        }
    }

    // MARK: Roles

    @Test(
        "the signer's role reads nothing of the gateway's, the gateway's nothing of the signer's, and the audit stays"
    )
    func roles() async throws {
        let url = try await TestDatabase.migrated()
        try await TestDatabase.withClient(of: url) { owner in
            _ = try await Migrator.signer(client: owner, logger: TestDatabase.silentLogger).migrate()
            let (role, gateway) = (try SignerRole("signer_role_t"), "gateway_role_t")
            try await role.establish(owner)
            try await role.establish(owner)
            try await owner.withConnection { session in
                try await session.script(
                    """
                    DROP ROLE IF EXISTS \(gateway); CREATE ROLE \(gateway) LOGIN;
                    GRANT USAGE ON SCHEMA public TO \(gateway);
                    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(gateway)
                    """
                )
            }
            let tables = try await owner.query(
                Statement(
                    "t_tables",
                    "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'signer')"
                )
            ).map { (try $0.text(0), try $0.text(1)) }
            #expect(tables.contains { $0.0 == "public" } && tables.contains { $0.0 == "signer" })
            for (name, own) in [(role.name, "signer"), (gateway, "public")] {
                try await TestDatabase.withClient(of: url + " options='-c role=\(name)'") { client in
                    for (schema, table) in tables {
                        let read = Statement("t_\(schema)_\(table)", "SELECT count(*) FROM \(schema).\(table)")
                        if schema == own {
                            _ = try await client.query(read)
                        } else {
                            await #expect(throws: PostgresError(.server(sqlState: "42501"), "")) {
                                try await client.query(read)
                            }
                        }
                    }
                }
            }
            try await TestDatabase.withClient(of: url + " options='-c role=\(role.name)'") { client in
                let stage = try await Stage(client)
                let user = try User(1, of: 1)
                try await user.register(stage)
                _ = try await stage.service.commit(.init(members: [1]), caller: caller(user.clients[0]))
                try await stage.service.delete(.init(client: user.clients[0]), caller: caller(user.key))
                await stage.service.sweep()
                for sql in ["DELETE FROM signer.audit", "UPDATE signer.audit SET seq = 1", "DROP TABLE signer.audit"] {
                    await #expect(throws: PostgresError(.server(sqlState: "42501"), "")) {
                        try await client.execute(Statement("t_\(sql.prefix(4))", sql))
                    }
                }
            }
        }
    }

    @Test("who may not make roles is told the statement for who may")
    func noRoles() async throws {
        let url = try await TestDatabase.signer()
        try await TestDatabase.withClient(of: url) { owner in
            try await owner.withConnection { session in
                try await session.script(
                    """
                    DROP ROLE IF EXISTS plain_owner_t; CREATE ROLE plain_owner_t LOGIN NOCREATEROLE;
                    GRANT ALL ON SCHEMA signer TO plain_owner_t
                    """
                )
            }
        }
        try await TestDatabase.withClient(of: url + " options='-c role=plain_owner_t'") { client in
            do {
                try await SignerRole("wanted_role_t").establish(client)
                Issue.record("a role was made")
            } catch let refusal as SignerRole.Refusal {
                #expect(refusal.description.contains("CREATE ROLE wanted_role_t LOGIN;"))
            }
        }
        for name in ["", "Role", "a b", "a;drop", "1a", String(repeating: "a", count: 64)] {
            #expect(throws: SignerRole.Refusal.self) { try SignerRole(name) }
        }
    }

    @Test("every deadline and every look-up has an index: nothing reads a whole table")
    func indexes() async throws {
        try await TestDatabase.withClient(of: TestDatabase.signer()) { client in
            try await client.withConnection { session in
                try await session.script("SET enable_seqscan = off; SET enable_bitmapscan = off")
                let statements = [
                    SessionSQL.byClient, SessionSQL.byUser, SessionSQL.byShare, SessionSQL.byEmail, SessionSQL.delete,
                    PassingSQL.readPending, PassingSQL.readChallenge, PassingSQL.readRequest, PassingSQL.cancelByShare,
                    PassingSQL.cancelByToken, PassingSQL.takeConfirmation, ShareSQL.eraseUnused, AuditSQL.tail,
                    AuditSQL.head,
                ]
                for statement in statements {
                    let name = statement.name.replacing(".", with: "_")
                    let arguments = (1...3).filter { statement.sql.contains("$\($0)") }.map { _ in "NULL" }
                    try await session.script("PREPARE \(name) AS \(statement.sql)")
                    let plan = try await session.query(
                        Statement("t_\(name)", "EXPLAIN EXECUTE \(name)(\(arguments.joined(separator: ", ")))")
                    ).map { try $0.text(0) }.joined(separator: "\n")
                    #expect(!plan.contains("Seq Scan"), "\(name): \(plan)")
                }
            }
        }
    }
}
