// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AuditChains
import ByteCoding
import Foundation
import HTTPTypes
import KeyShareNode
import KeyShareProtocol
import NIOHTTP1
import Testing

@testable import KeyShareServer

@Suite("The administrator's routes")
struct AdministrationTests {
    private static let password = #"{"password":"\#(House.password)"}"#

    @Test("the guide's curl lines work on the node's own machine, as they stand")
    func guide() async throws {
        try await House.with { house in
            try await house.listening { main, _ in
                // curl -d says that it sends a form.
                let form = [("Content-Type", "application/x-www-form-urlencoded")]
                let made = try await fetch(.POST, main + "/pg_dump/v1/backup", body: Self.password, headers: form)
                #expect(made.status == 200)
                #expect(made.data["dumpId"] as? String == "id" && made.data["dump_id"] as? String == "id")
                #expect(made.data["dumpSize"] as? Int == 10 && made.data["dump_duration"] as? Int == 20)
                let restored = try await fetch(
                    .POST,
                    main + "/pg_dump/v1/restore",
                    body: #"{"password":"\#(House.password)","dump_path":"node.akb"}"#
                )
                #expect(restored.data["dump_path"] as? String == "node.akb")
                let history = try await fetch(.POST, main + "/pg_dump/v1/get_backup_history", body: Self.password)
                let rows = try #require(history.object["data"] as? [[String: Any]])
                #expect(rows.first?["dump_id"] as? String == "id" && rows.first?["status"] as? String == "COMPLETED")
                let meta = rows.first?["meta"] as? [String: Any]
                #expect(meta?["dump_duration"] as? Int == 20 && meta?["error"] == nil)
            }
        }
    }

    @Test("from elsewhere, or through a proxy, the main address has no administrator's routes")
    func doors() async throws {
        try await House.with { house in
            let body = Array(Self.password.utf8)
            func status(_ path: String, _ headers: [String: String], peer: String) async -> Int {
                await house.send(.post, path, body: body, headers: headers, peer: peer).status
            }
            #expect(await status("/pg_dump/v1/backup", [:], peer: "203.0.113.7") == 404)
            for field in [
                "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Whatever", "X-Real-IP", "Forwarded", "Via",
            ] {
                #expect(await status("/pg_dump/v1/backup", [field: "127.0.0.1"], peer: "127.0.0.1") == 404)
            }
            #expect(await status("/admin/v1/backup", [:], peer: "127.0.0.1") == 404)
            #expect(await house.send(.get, "/metrics", peer: "127.0.0.1").status == 404)
            #expect(await status("/pg_dump/v1/backup", [:], peer: "127.0.0.1") == 200)
            #expect(await status("/pg_dump/v1/backup", [:], peer: "::1") == 200)
        }
    }

    @Test("the administrator's address has all of them and no share routes, and no origin may read it")
    func listener() async throws {
        try await House.with { house in
            try await house.listening { _, administration in
                let basic = "Basic " + Base64.encode(Array("admin:\(House.password)".utf8))
                for path in ["/admin/v1/backup", "/pg_dump/v1/backup", "/admin/v1/history"] {
                    let reply = try await fetch(.POST, administration + path, headers: [("Authorization", basic)])
                    #expect(reply.status == 200, "\(path) \(reply.text)")
                    #expect(reply.headers["Access-Control-Allow-Origin"] == nil)
                }
                let metrics = try await fetch(.GET, administration + "/metrics")
                #expect(metrics.text == "metrics 1\n")
                #expect(try await fetch(.GET, administration + "/status").status == 200)
                #expect(try await fetch(.POST, administration + "/keyshare/v1/", body: "{}").status == 404)
                let preflight = try await fetch(.OPTIONS, administration + "/admin/v1/backup")
                #expect(preflight.headers["Access-Control-Allow-Methods"] == nil)
            }
        }
    }

    @Test("without an address of its own the administrator is served on the main one")
    func shared() async throws {
        try await House.with(server: { $0.administration = nil }) { house in
            let body = Array(Self.password.utf8)
            #expect(await house.send(.post, "/admin/v1/backup", body: body).status == 200)
            #expect(await house.send(.get, "/metrics").status == 404)
            #expect(await house.send(.get, "/metrics", peer: "127.0.0.1").status == 200)
        }
    }

    @Test("days and paths that make no sense are refused with the protocol's codes")
    func arguments() async throws {
        try await House.with { house in
            func code(_ path: String, _ extra: String) async -> String? {
                let key = ["Authorization": "Bearer " + String(repeating: "k", count: 32)]
                // Each address has a limit of its own.
                let peer = "10.0.\(Int.random(in: 0...255)).\(Int.random(in: 0...255))"
                return await house.send(
                    .post,
                    path,
                    body: Array(extra.utf8),
                    headers: key,
                    peer: peer,
                    door: .administration
                )
                .code
            }
            for days in ["0", "1001", "-1", "1.5", #""7""#, "[]"] {
                #expect(await code("/admin/v1/history", #"{"days":\#(days)}"#) == "INVALID_DAYS", "\(days)")
            }
            #expect(await code("/admin/v1/history", #"{"days":7}"#) == nil)
            for path in ["null", #""""#, "7", #""../x.dump/..""#, #""x.sql""#] {
                #expect(await code("/admin/v1/restore", #"{"dump_path":\#(path)}"#) == "INVALID_DUMP_PATH", "\(path)")
            }
            #expect(await code("/admin/v1/restore", "{}") == "INVALID_DUMP_PATH")
            #expect(await code("/admin/v1/restore", #"{"dump_path":"other.akb"}"#) == "DUMP_FILE_NOT_FOUND")
            #expect(await code("/admin/v1/unseal", #"{"piece":7}"#) == "INVALID_REQUEST")
            #expect(await code("/admin/v1/audit", #"{"limit":5000}"#) == "INVALID_REQUEST")
        }
    }

    @Test("the fourth restore and the sixth backup of a minute are refused")
    func limits() async throws {
        try await House.with { house in
            let key = ["Authorization": "Bearer " + String(repeating: "k", count: 32)]
            func status(_ path: String) async -> Int {
                let body = Array(#"{"dump_path":"node.akb"}"#.utf8)
                return await house.send(.post, path, body: body, headers: key, door: .administration).status
            }
            for _ in 0..<3 { #expect(await status("/admin/v1/restore") == 200) }
            #expect(await status("/pg_dump/v1/restore") == 429)
            for _ in 0..<5 { #expect(await status("/pg_dump/v1/backup") == 200) }
            #expect(await status("/admin/v1/backup") == 429)
        }
    }

    @Test("the sixth try with a password is refused although it is right, and all tries are in the audit")
    func tries() async throws {
        try await House.with { house in
            func status(_ path: String, _ password: String) async -> Int {
                let body = Array(#"{"password":"\#(password)"}"#.utf8)
                return await house.send(.post, path, body: body, door: .administration).status
            }
            for _ in 0..<5 { #expect(await status("/admin/v1/backup", "not the password") == 401) }
            // Another route has another limit by the minute, but the same lock.
            #expect(await status("/admin/v1/history", House.password) == 429)
            let entries = try await house.service.auditEntries(after: 0, limit: 1000)
            #expect(entries.count { $0.entry.action == "admin.login" } == 6)
            #expect(!house.logs.text.contains("not the password") && !house.logs.text.contains(House.password))
        }
    }

    @Test("keys are rotated, the audit is shown and verified, and the node is sealed")
    func actions() async throws {
        try await House.with { house in
            func reply(_ action: String, _ body: String = "{}") async -> Reply {
                let key = ["Authorization": "Bearer " + String(repeating: "k", count: 32)]
                return await house.send(
                    .post,
                    "/admin/v1/" + action,
                    body: Array(body.utf8),
                    headers: key,
                    door: .administration
                )
            }
            #expect(await reply("rotate-keypair").data["version"] as? Int == 2)
            let rotated = await reply("rotate-kek")
            #expect(rotated.data["epoch"] as? Int == 2 && rotated.data["complete"] as? Bool == true)
            let audit = await reply("audit", #"{"verify":true,"limit":2}"#)
            #expect((audit.data["entries"] as? [Any])?.count == 2)
            #expect((audit.data["verification"] as? [String: Any])?["holds"] as? Bool == true)
            #expect(await reply("seal").data["sealed"] as? Bool == true)
            #expect(await reply("rotate-keypair").code == "NODE_SEALED")
        }
    }

    @Test("another node puts its backups here with its own bearer only")
    func offsite() async throws {
        let bearer = String(repeating: "b", count: 32)
        try await House.with(server: { $0.offsitePeers = ["peer": bearer] }) { house in
            try await house.listening { main, _ in
                func put(_ path: String, _ bearer: String) async throws -> Reply {
                    try await fetch(
                        .PUT,
                        main + path,
                        body: String(repeating: "x", count: 300_000),
                        headers: [("Authorization", "Bearer " + bearer), ("Content-Type", "application/octet-stream")]
                    )
                }
                let taken = try await put("/admin/v1/offsite/peer/a.akb", bearer)
                #expect(taken.status == 200)
                #expect(house.backups.files["peer/a.akb"]?.count == 300_000)
                let others = try await put("/admin/v1/offsite/other/a.akb", bearer)
                #expect(others.status == 401)
                let wrong = try await put("/admin/v1/offsite/peer/a.akb", "wrong")
                #expect(wrong.status == 401)
                #expect(house.backups.files.count == 1)
            }
        }
        try await House.with { house in
            #expect(await house.send(.put, "/admin/v1/offsite/peer/a.akb", body: [1]).status == 404)
        }
    }
}
