// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import BackupContainers
import Crypto
import Foundation
import KeyShareProtocol
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Testing

@testable import KeyShareBackups

@Suite struct BackupTests {
    @Test func `a backup is sealed, for its owner only, and stands in the history`() async throws {
        try await Bench.with { bench in
            let backups = try await bench.backups()
            let receipt = try await backups.backup()
            #expect(bench.files == [receipt.dumpPath])
            #expect(receipt.dumpPath == "\(bench.database.name)_\(Moment.inFileName(bench.clock.now)).akb")
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(bench.folder)/\(receipt.dumpPath)")
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let bytes = try bench.bytes(receipt.dumpPath)
            #expect(bytes.starts(with: Array("AKB1".utf8)) && Int64(bytes.count) == receipt.dumpSize)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(!text.contains("user-1") && !text.contains("PGDMP"))
            let header = try #require(try BackupHeader.parse(bytes))
            #expect(header.metadata.node == "test-node" && header.metadata.rows?["public.2_users"] == 25)
            let row = try #require(try await backups.history(days: nil).first)
            #expect(row.status == .completed && row.dumpID == receipt.dumpID && row.dumpPath == receipt.dumpPath)
            #expect(row.meta.dumpSize == receipt.dumpSize)
            #expect(row.meta.sha256 == SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined())
            let status = await backups.status()
            #expect(status.lastOKSeconds == Int64(bench.clock.now.timeIntervalSince1970))
            let report = try await backups.verify(try #require(DumpPath(receipt.dumpPath)))
            #expect(report.rows["public.2_key_shares"] == 25)
        }
    }

    @Test func `a database that is written to is backed up as it was at one moment`() async throws {
        try await Bench.with(shares: 50_000, connections: 4) { bench in
            try await bench.client.withConnection {
                try await $0.script("CREATE TABLE a (n int); CREATE TABLE b (n int)")
            }
            let writer = Task {
                var number = Int32(0)
                while !Task.isCancelled {
                    number += 1
                    // Both or neither.
                    try await bench.client.execute(
                        Statement("t.both", "WITH x AS (INSERT INTO a VALUES ($1)) INSERT INTO b VALUES ($1)"),
                        [.int4(number)]
                    )
                }
            }
            let backups = try await bench.backups(observe: { stage in
                // Hundreds of writes pass while the dump runs.
                if stage == .dumping {
                    let before = (try? await bench.number("SELECT count(*) FROM a")) ?? 0
                    while ((try? await bench.number("SELECT count(*) FROM a")) ?? .max) < before + 100 {}
                }
            })
            let receipt = try await backups.makeBackup()
            writer.cancel()
            _ = await writer.result
            let header = try #require(try BackupHeader.parse(bench.bytes(receipt.dumpPath)))
            let rows = try #require(header.metadata.rows)
            #expect(rows["public.a"] == rows["public.b"] && rows["public.2_key_shares"] == 50_000)
            let later = try await bench.number("SELECT count(*) FROM a")
            #expect(later > rows["public.a"] ?? .max)
            // The drill compares each table's rows with these figures.
            let report = try await backups.drill()
            #expect(report.rows == rows && report.opened == 20)
        }
    }

    static let fakes: [(String, BackupFault.Code)] = [
        ("exit 1", .dump),
        (#"echo 'pg_dump: error: connection refused' >&2; exit 1"#, .dump),
        (#"REAL "$@" | head -c 6000"#, .dump),
        (#"REAL "$@" | head -c 100"#, .dump),
        (#"REAL "$@"; exit 3"#, .dump),
        ("exit 0", .dump),
        ("echo hello", .dump),
        (#"REAL "$@" --exclude-table-data='*2_key_shares*'"#, .dump),
        (#"REAL "$@" | head -c 6000; sleep 1000"#, .dump),
        ("kill -9 $$", .dump),
    ]

    @Test(arguments: fakes) func `a dump that is not whole is no backup`(
        script: String,
        code: BackupFault.Code
    ) async throws {
        try await Bench.with(shares: 200) { bench in
            let programs = try Self.programs(bench, dump: script)
            let backups = try await bench.backups { configuration in
                configuration.programDirectory = programs
                if script.contains("sleep") { configuration.programDeadline = .seconds(3) }
            }
            #expect(try await fault { _ = try await backups.makeBackup() } == code)
            #expect(bench.files == ["programs"])
            #expect(try await bench.rows("FAILED") == 1)
            #expect(try await bench.rows("COMPLETED") == 0)
            #expect(try await bench.rows("IN_PROGRESS") == 0)
            let error = try await backups.history(days: nil).first?.meta.error
            #expect(error?.isEmpty == false)
            let status = await backups.status()
            #expect(status.lastOK == nil)
        }
    }

    @Test func `programs that are older than the server are not used`() async throws {
        try await Bench.with(shares: 1) { bench in
            let programs = try Self.programs(bench, dump: #"REAL "$@""#, version: "pg_dump (PostgreSQL) 9.6.1")
            let backups = try await bench.backups { $0.programDirectory = programs }
            #expect(try await fault { try await backups.prepare() } == .program)
            #expect(try await fault { _ = try await backups.makeBackup() } == .program)
            let none = try await bench.backups { $0.programDirectory = "/nowhere" }
            #expect(try await fault { _ = try await none.makeBackup() } == .program)
        }
    }

    /// A directory with the real pg_restore and a pg_dump of shell.
    private static func programs(_ bench: Bench, dump: String, version: String = "pg_dump (PostgreSQL) 99.1") throws
        -> String
    {
        let root = "/usr/lib/postgresql"
        let versions = try FileManager.default.contentsOfDirectory(atPath: root).compactMap { Int($0) }
        let real = "\(root)/\(try #require(versions.max()))/bin"
        let folder = "\(bench.folder)/programs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = """
            #!/bin/sh
            if [ "$1" = --version ]; then echo '\(version)'; exit; fi
            \(dump.replacing("REAL", with: "\(real)/pg_dump"))
            """
        try script.write(toFile: "\(folder)/pg_dump", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/pg_dump")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/pg_restore",
            withDestinationPath: "\(real)/pg_restore"
        )
        return folder
    }

    @Test func `of two that begin at once one makes the backup`() async throws {
        try await Bench.with { bench in
            let (reached, goOn) = (Signal(), Signal())
            let first = try await bench.backups(observe: { stage in
                guard stage == .dumping else { return }
                reached.fire()
                await goOn.wait()
            })
            let second = try await bench.backups()
            let making = Task { try await first.makeBackup() }
            await reached.wait()
            #expect(try await fault { _ = try await second.makeBackup() } == .busy)
            // Nobody takes the running one for a left-over.
            try await second.prepare()
            #expect(try await bench.rows("IN_PROGRESS") == 1)
            goOn.fire()
            _ = try await making.value
            #expect(try await bench.rows("COMPLETED") == 1)
            #expect(try await bench.rows("FAILED") == 0)
            bench.clock.advance(hours: 1)
            _ = try await second.makeBackup()
            #expect(try await bench.rows("COMPLETED") == 2)
        }
    }

    @Test func `a day's backup is made once, whoever looks first`() async throws {
        try await Bench.with { bench in
            let pair = [
                try await bench.backups { $0.drillInterval = nil }, try await bench.backups { $0.drillInterval = nil },
            ]
            for backups in pair + pair { await backups.tick() }
            #expect(try await bench.rows("COMPLETED") == 1)
            bench.clock.advance(hours: 24)
            for backups in pair { await backups.tick() }
            #expect(try await bench.rows("COMPLETED") == 2)
        }
    }

    @Test func `backups older than a week are removed, and nothing that the node did not make`() async throws {
        try await Bench.with(shares: 2) { bench in
            let backups = try await bench.backups()
            var made: [BackupReceipt] = []
            for _ in 0..<3 {
                made.append(try await backups.makeBackup())
                bench.clock.advance(hours: 24)
            }
            // Somebody has put another file in the second one's place.
            try bench.put(try bench.bytes(made[2].dumpPath), as: made[1].dumpPath)
            try bench.put(Array("PGDMP".utf8), as: "oko.dump")
            bench.clock.advance(hours: 24 * 8)
            let newest = try await backups.makeBackup()
            #expect(bench.files == [made[1].dumpPath, newest.dumpPath, "oko.dump"].sorted())
            let states = Dictionary(
                uniqueKeysWithValues: try await backups.history(days: nil).map { ($0.dumpPath ?? "", $0.status) }
            )
            #expect(states[made[0].dumpPath] == .deleted && states[made[2].dumpPath] == .deleted)
            // It could not be deleted, and says so.
            #expect(states[made[1].dumpPath] == .completed && states[newest.dumpPath] == .completed)
        }
    }

    @Test func `a backup for recipients that a stranger made is not restored`() async throws {
        try await Bench.with { bench in
            let key = Curve25519.KeyAgreement.PrivateKey()
            let recipients = [BackupRecipient(key.publicKey)]
            let backups = try await bench.backups { $0.recipients = recipients }
            let own = try #require(DumpPath(try await backups.makeBackup().dumpPath))
            let content = try await DumpContent(DumpFolder(path: bench.folder).open(own), opener: .recipient(key))
            let plain = Passing()
            try await content.stream { plain.keep($0, upTo: .max) }
            // The public key is no secret: whoever can write to the folder seals what he likes.
            let metadata = try #require(content.header).metadata
            var writer = try BackupWriter(metadata, recipients: recipients, node: BackupKey(root: .random()))
            let forged = try writer.header.bytes + writer.append(plain.head) + writer.finish()
            try bench.put(forged, as: "strange.akb")
            let path = try #require(DumpPath("strange.akb"))
            #expect(try await fault { _ = try await backups.restore(path, opener: .recipient(key)) } == .damaged)
            #expect(try await fault { _ = try await backups.drill(path, opener: .recipient(key)) } == .damaged)
            #expect(try await bench.users == 25)
            #expect(try await backups.drill(own, opener: .recipient(key)).opened == 20)
        }
    }

    @Test func `only a recipient's key opens a backup that was sealed for recipients`() async throws {
        try await Bench.with { bench in
            let (key, stranger) = (Curve25519.KeyAgreement.PrivateKey(), Curve25519.KeyAgreement.PrivateKey())
            let backups = try await bench.backups { $0.recipients = [BackupRecipient(key.publicKey)] }
            let path = try #require(DumpPath(try await backups.makeBackup().dumpPath))
            // What a thief of the node has.
            #expect(try await fault { _ = try await backups.verify(path) } == .key)
            #expect(try await fault { _ = try await backups.restore(path, opener: nil) } == .key)
            #expect(try await fault { _ = try await backups.verify(path, opener: .recipient(stranger)) } == .key)
            #expect(try await backups.verify(path, opener: .recipient(key)).rows["public.2_users"] == 25)
            #expect(try await backups.drill(path, opener: .recipient(key)).opened == 20)
            // By itself the node tries out a new dump.
            let report = try await backups.drill()
            #expect(report.name == nil && report.opened == 20 && report.rows["public.2_users"] == 25)
            let status = await backups.status()
            #expect(status.lastDrill?.isOK == true)
            #expect(try await bench.besides().isEmpty)
        }
    }

    @Test func `a folder that is gone or full is told, and the next backup works`() async throws {
        try await Bench.with { bench in
            let backups = try await bench.backups { $0.directory = "/dev/full/backups" }
            #expect(try await fault { _ = try await backups.makeBackup() } == .storage)
            _ = try await bench.backups().makeBackup()
        }
    }
}

/// Something that happens once.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: Void.self) }

    func fire() { continuation.finish() }

    func wait() async { for await _ in stream {} }
}
