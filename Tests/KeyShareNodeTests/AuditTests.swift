// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AuditChains
import ByteCoding
import CommitReveal
import Foundation
import KeyShareProtocol
import KeyShares
import Postgres
import Testing

@testable import KeyShareNode

/// What was done, in one chain.
@Suite struct AuditTests {
    @Test func `an end that is signed by a key which somebody added to the database is found`() async throws {
        try await Stage.with { stage in
            try await stage.register(try TestWallet(.secp256k1))
            try await stage.service.signAuditHead()
            #expect(try await stage.service.auditVerification().holds)
            // Whoever writes the database says that the node has had another key, and signs with it.
            let forger = NodeKey()
            _ = try await stage.service.rotateKeypair()
            await stage.service.audit(.adminAction, subject: nil, outcome: "forged")
            let end = try #require(try await stage.service.auditEntries(after: 0, limit: 1000).last)
            let head = AuditChainHead(seq: end.entry.seq, hash: end.hash)
            try await stage.run(
                """
                INSERT INTO "2_server_keypairs" (version, public_key, enc_private_key, is_active)
                    OVERRIDING SYSTEM VALUE VALUES (-1, '\\x\(forger.hex)', 'nothing', false);
                INSERT INTO "2_audit_heads" (seq, hash, public_key, signature) VALUES (\(head.seq),
                    '\\x\(Hex.encode(head.hash))', '\\x\(forger.hex)',
                    '\\x\(Hex.encode(forger.signature(of: head.signedDigest)))')
                """
            )
            let report = try await stage.service.auditVerification()
            #expect(!report.holds && report.faults.contains { $0.contains("a key that is not the node's") })
        }
    }

    @Test func `writers of several processes make one unbroken chain`() async throws {
        try await Stage.with { stage in
            let other = try await stage.other()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    let node = number % 2 == 0 ? stage : other
                    group.addTask {
                        let wallet = try TestWallet(.secp256k1)
                        try await node.register(wallet, as: "user\(number)")
                        _ = try await node.get(wallet, as: "user\(number)")
                        _ = try await node.code(.getV1, as: "bad", #"{"curve_type":"secp256k1","public_key":"02"}"#)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await stage.audit(.register).count == 40)
            #expect(try await stage.audit(.get).filter { $0.entry.outcome == "ok" }.count == 40)
            #expect(try await stage.audit(.login).filter { $0.entry.outcome.hasPrefix("refused") }.count == 40)
            try await stage.service.signAuditHead()
            let report = try await other.service.auditVerification()
            #expect(report.holds && report.signedHeads == 1 && report.entries >= 200)
            let head = try #require(await stage.service.status().auditHead)
            #expect(head.head.isSigned(head.signature, by: head.publicKey))
        }
    }

    @Test func `an entry that was changed, taken away or added is found`() async throws {
        for damage in [
            #"UPDATE "2_audit" SET outcome = 'other' WHERE seq = 3"#,
            #"DELETE FROM "2_audit" WHERE seq = 3"#,
            #"DELETE FROM "2_audit" WHERE seq > 3"#,
            #"UPDATE "2_audit_heads" SET signature = decode(repeat('00', 64), 'hex')"#,
        ] {
            try await Stage.with { stage in
                for _ in 0..<4 { try await stage.register(try TestWallet(.ed25519)) }
                try await stage.service.signAuditHead()
                #expect(try await stage.service.auditVerification().holds)
                // Whoever has the program's own role cannot; whoever owns the tables can.
                await #expect(throws: PostgresError.self) { try await stage.run(damage) }
                try await stage.run(
                    """
                    ALTER TABLE "2_audit" DISABLE TRIGGER append_only; ALTER TABLE "2_audit_heads" DISABLE TRIGGER append_only;
                    \(damage)
                    """
                )
                #expect(try await stage.service.auditVerification().holds == false, "\(damage)")
            }
        }
    }

    @Test func `the work and its entry are there together or not at all`() async throws {
        try await Stage.with { stage in
            try await stage.run(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.action LIKE 'keyshare.%' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON "2_audit" FOR EACH ROW EXECUTE FUNCTION refuse()
                """
            )
            let wallet = try TestWallet(.secp256k1)
            let body = #"{"curve_type":"secp256k1",\#(wallet.members)}"#
            #expect(try await stage.code(.registerV1, body) == .unknownError)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares""#) == 0)
            try await stage.run(#"DROP TRIGGER refuse ON "2_audit""#)
            try await stage.register(wallet)
            try await stage.run(
                #"CREATE TRIGGER refuse BEFORE INSERT ON "2_audit" FOR EACH ROW EXECUTE FUNCTION refuse()"#
            )
            let get = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            #expect(
                try await stage.code(.getV1, get) == .unknownError,
                "no share goes out that the audit does not know of"
            )
        }
    }

    @Test func `no name, token or share is in the audit or in a log`() async throws {
        try await Stage.with { stage in
            let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
            let token = "margarethe:tokentokentoken"
            try await stage.call(.registerV2, as: token, FormerRouteTests.wallets(first, second))
            try await stage.call(.getV2, as: token, FormerRouteTests.keys(first, second))
            try await stage.call(.reshareV2, as: token, FormerRouteTests.wallets(first, second))
            var texts: [String] = []
            do { try await stage.call(.registerV2, as: token, FormerRouteTests.wallets(first, second)) } catch {
                texts.append("\(error)")
            }
            // Errors of the database are logged; even they show nothing.
            try await stage.run(#"DROP TABLE "2_identity_limits""#)
            do { try await stage.call(.getV2, as: token, FormerRouteTests.keys(first, second)) } catch {
                texts.append("\(error)")
            }
            #expect(texts.count == 2 && !texts[1].contains("2_identity_limits"))
            await stage.service.audit(.adminAction, subject: "198.51.100.77", outcome: "ok")
            let entries = try await stage.service.auditEntries(after: 0, limit: 1000)
            texts += entries.map { "\($0.entry)" } + stage.logs.all
            #expect(stage.logs.all.contains { $0.contains("error") })
            for secret in [
                "margarethe", "tokentoken", first.shareHex, second.shareHex, String(first.shareHex.suffix(64)),
                "192.0.2.7", "198.51.100.77", Hex.encode(Stage.rootSecret),
            ] {
                for text in texts { #expect(!text.contains(secret)) }
            }
            let stored = try await stage.client.query(
                Statement("t.stored", #"SELECT encode(enc_share, 'hex') FROM "2_key_shares""#)
            )
            for row in stored {
                let text = try row.text(0)
                #expect(!text.contains(first.shareHex.suffix(64)) && !text.contains(second.shareHex.suffix(64)))
            }
        }
    }
}
