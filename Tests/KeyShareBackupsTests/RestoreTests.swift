// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import BackupContainers
import Crypto
import Foundation
import KeyShareNode
import KeyShareProtocol
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Testing

@testable import KeyShareBackups

@Suite struct RestoreTests {
    @Test func `a restore brings back what was, keeps what is, and goes on with the history`() async throws {
        try await Bench.with { bench in
            let backups = try await bench.backups()
            let old = try await backups.makeBackup()
            try await bench.fill(10, user: "later")
            bench.clock.advance(hours: 1)
            let recent = try await backups.makeBackup()
            bench.clock.advance(hours: 1)
            let report = try await backups.restore(try #require(DumpPath(old.dumpPath)), opener: nil)
            #expect(report.opened == 20 && report.warnings.isEmpty)
            #expect(try await bench.users == 25)
            // The backup that was made before the restore holds what was live until then.
            let history = try await backups.history(days: nil)
            #expect(history.map(\.status) == [.completed, .completed, .completed])
            #expect(history[1].dumpID == recent.dumpID && history[2].dumpID == old.dumpID)
            let saved = try #require(history[0].dumpPath)
            let last = try #require(try BackupHeader.parse(bench.bytes(saved)))
            #expect(last.metadata.rows?["public.2_users"] == 35)
            // And the database that was live is kept for a week.
            let before = try #require(report.before)
            #expect(try await bench.besides() == [before])
            let kept = try await bench.database.withClient(of: before, logger: TestDatabase.silentLogger) { client in
                try await client.query(Statement("t.kept", #"SELECT count(*) FROM public."2_users""#))[0].int8(0)
            }
            #expect(kept == 35)
            await backups.restorer.tidyUnlessBusy()
            #expect(try await bench.besides() == [before])
            bench.clock.advance(hours: 24 * 7 + 1)
            await backups.restorer.tidyUnlessBusy()
            #expect(try await bench.besides().isEmpty)
        }
    }

    @Test func `what was done since the backup stays in the audit when it is restored`() async throws {
        try await Bench.with { bench in
            let service = try bench.service()
            try await service.prepare()
            let backups = try await bench.backups(service)
            let old = try await backups.makeBackup()
            await service.audit(.backupDrill, subject: nil, outcome: "misuse")
            bench.clock.advance(hours: 1)
            _ = try await backups.restore(try #require(DumpPath(old.dumpPath)), opener: nil)
            let read = Statement("t.audit", #"SELECT outcome FROM public."2_audit" ORDER BY seq"#)
            let outcomes = try await bench.client.query(read).map { try $0.text(0) }
            #expect(outcomes.contains("misuse") && outcomes.last == "ok")
            let verified = try await service.auditVerification()
            #expect(verified.faults.isEmpty && verified.signedHeads >= 2, "\(verified.faults)")
        }
    }

    @Test func `people who use the live database are put out, and find the restored one`() async throws {
        try await Bench.with(connections: 4) { bench in
            let backups = try await bench.backups()
            let old = try await backups.makeBackup()
            try await bench.fill(1, user: "later")
            bench.clock.advance(hours: 1)
            let busy = (0..<4).map { _ in
                Task {
                    while !Task.isCancelled {
                        _ = try? await bench.client.query(Statement("t.busy", "SELECT pg_sleep(0.01)::text"))
                    }
                }
            }
            _ = try await backups.restore(try #require(DumpPath(old.dumpPath)), opener: nil)
            for task in busy { task.cancel() }
            for task in busy { _ = await task.value }
            #expect(try await bench.users == 25)
        }
    }

    @Test func `share routes answer 503 while databases are exchanged`() async throws {
        try await Bench.with { bench in
            let service = try bench.service()
            try await service.prepare()
            let codes = Codes()
            let backups = try await bench.backups(service) { _ in
            } observe: { stage in
                guard stage == .suspended else { return }
                do throws(KeyShareFailure) {
                    _ = try await service.answer(.checkV1, .init(body: Array("{}".utf8), peer: "192.0.2.1"))
                } catch { codes.add(error.code) }
            }
            let old = try await backups.makeBackup()
            bench.clock.advance(hours: 1)
            _ = try await backups.restore(try #require(DumpPath(old.dumpPath)), opener: nil)
            #expect(codes.all == [.nodeSealed])
        }
    }

    // MARK: Paths

    @Test func `only a regular file directly in the folder is restored`() async throws {
        try await Bench.with { bench in
            let backups = try await bench.backups()
            let good = try await backups.makeBackup().dumpPath
            let outside = "/tmp/outside-\(UUID().uuidString).akb"
            try Data(bench.bytes(good)).write(to: URL(fileURLWithPath: outside))
            defer { try? FileManager.default.removeItem(atPath: outside) }
            let manager = FileManager.default
            for (name, target) in [
                ("link.akb", outside), ("inner.akb", good), ("dangling.akb", "/nowhere"), ("device.akb", "/dev/zero"),
            ] {
                try manager.createSymbolicLink(atPath: "\(bench.folder)/\(name)", withDestinationPath: target)
            }
            try manager.createDirectory(atPath: "\(bench.folder)/folder.akb", withIntermediateDirectories: true)
            try Data(bench.bytes(good)).write(to: URL(fileURLWithPath: "\(bench.folder)/folder.akb/inner.akb"))
            #expect(mkfifo("\(bench.folder)/pipe.akb", 0o600) == 0)
            #expect(mknod("\(bench.folder)/null.dump", S_IFCHR | 0o600, 0x103) == 0)
            try manager.createSymbolicLink(atPath: "\(bench.folder)-link", withDestinationPath: bench.folder)
            defer { try? manager.removeItem(atPath: "\(bench.folder)-link") }

            func code(_ path: String) async throws -> KeyShareFailureCode? {
                guard let path = DumpPath(path) else { return .invalidDumpPath }
                do throws(KeyShareFailure) { _ = try await backups.restore(path) } catch { return error.code }
                return nil
            }
            let refused: [(String, KeyShareFailureCode)] = [
                (outside, .invalidDumpPath), ("../\(good)", .invalidDumpPath), ("link.akb", .invalidDumpPath),
                ("inner.akb", .invalidDumpPath), ("dangling.akb", .invalidDumpPath), ("device.akb", .invalidDumpPath),
                ("pipe.akb", .invalidDumpPath), ("null.dump", .invalidDumpPath), ("/etc/passwd", .invalidDumpPath),
                ("/dev/zero", .invalidDumpPath), (".", .invalidDumpPath), ("", .invalidDumpPath),
                ("\(good)\0.akb", .invalidDumpPath), ("\(good) ", .invalidDumpPath), ("\(good)\n", .invalidDumpPath),
                ("\u{202E}\(good)", .invalidDumpPath), ("a\u{200B}.akb", .invalidDumpPath),
                ("\(bench.folder)/folder.akb/inner.akb", .invalidDumpPath), ("folder.akb/inner.akb", .invalidDumpPath),
                ("\(bench.folder)/../\(good)", .invalidDumpPath), ("folder.akb", .invalidDumpFile),
                ("nowhere.akb", .dumpFileNotFound), ("--help.akb", .dumpFileNotFound),
                (String(repeating: "a", count: 300) + ".akb", .invalidDumpPath),
            ]
            for (path, expected) in refused {
                #expect(try await code(path) == expected, "\(path)")
            }
            #expect(try await bench.users == 25)
            #expect(try await bench.besides().isEmpty)
            // The same file by its whole path, and through a link to the folder itself.
            for path in ["\(bench.folder)/\(good)", "\(bench.folder)/./\(good)", "\(bench.folder)-link/\(good)"] {
                _ = try await backups.verify(try #require(DumpPath(path)))
            }
        }
    }

    // MARK: Files that are not as they were made

    @Test func `a file that was cut, changed or reordered is refused, and the live data stays`() async throws {
        try await Bench.with(shares: 600) { bench in
            let backups = try await bench.backups()
            let good = try bench.bytes(try await backups.makeBackup().dumpPath)
            let header = try #require(try BackupHeader.parse(good)).bytes.count
            let chunk = BackupHeader.chunkSize + 16
            try #require(good.count > header + 2 * chunk)
            let (first, second) = (header..<(header + chunk), (header + chunk)..<(header + 2 * chunk))
            var files: [String: [UInt8]] = [
                "empty": [], "header": Array(good[..<header]), "short": Array(good[..<20]),
                "chunk": Array(good[..<(header + chunk)]), "longer": good + [0],
                "text": Array("-- a script\nDROP TABLE public.\"2_users\";".utf8),
            ]
            for (name, order) in [
                ("swapped", [second, first]), ("dropped", [second]), ("doubled", [first, first, second]),
            ] {
                var bytes = Array(good[..<header])
                for range in order { bytes += good[range] }
                files[name] = bytes + good[second.upperBound...]
            }
            for cut in stride(from: header + 1, to: good.count, by: good.count / 7) {
                files["cut-\(cut)"] = Array(good[..<cut])
            }
            for place in [3, 5, 8, 20, 45, 60, header - 2, header + 5, header + chunk + 9, good.count - 1] {
                var changed = good
                changed[place] ^= 1
                files["changed-\(place)"] = changed
            }
            for (name, bytes) in files {
                try bench.put(bytes, as: "\(name).akb")
                let path = try #require(DumpPath("\(name).akb"))
                let code = try await fault { _ = try await backups.restore(path, opener: nil) }
                #expect(code == .damaged, "\(name)")
            }
            #expect(try await bench.users == 600)
            #expect(try await bench.besides().isEmpty)
            // Nothing was even begun: no backup of the live database, no database beside it.
            #expect(try await bench.rows("COMPLETED") == 1)
        }
    }

    @Test func `a backup of another node, or with other rows than it says, is refused`() async throws {
        try await Bench.with { bench in
            let backups = try await bench.backups()
            let receipt = try await backups.makeBackup()
            let path = try #require(DumpPath(receipt.dumpPath))
            // Another root secret opens neither the file nor the shares in it.
            var other = bench
            other.root = .random()
            let stranger = BackupService(
                configuration: BackupConfiguration(directory: bench.folder),
                database: bench.database,
                client: bench.client,
                service: try bench.service(),
                keys: BackupKeySource { [root = other.root] in BackupKey(root: root) },
                logger: TestDatabase.silentLogger
            )
            #expect(try await fault { _ = try await stranger.verify(path) } == .damaged)

            let content = try await DumpContent(
                DumpFolder(path: bench.folder).open(path),
                opener: .node(BackupKey(root: bench.root))
            )
            let plain = Passing()
            try await content.stream { plain.keep($0, upTo: .max) }
            var metadata = try #require(content.header).metadata
            metadata.rows?["public.2_users"] = 26
            var writer = try BackupWriter(metadata, key: BackupKey(root: bench.root))
            var forged = writer.header.bytes
            forged += try writer.append(plain.head)
            forged += try writer.finish()
            try bench.put(forged, as: "rows.akb")
            let rows = try #require(DumpPath("rows.akb"))
            #expect(try await fault { _ = try await backups.restore(rows, opener: nil) } == .unsound)
            #expect(try await bench.users == 25)
            #expect(try await bench.besides().isEmpty)
        }
    }

    @Test func `shares that do not open keep a backup from being restored`() async throws {
        try await Bench.with(shares: 10) { bench in
            let backups = try await bench.backups()
            // Two rows' shares are exchanged, as somebody with the database alone could do.
            try await bench.client.withConnection { session in
                try await session.script(
                    """
                    UPDATE public."2_key_shares" s SET enc_share = o.enc_share FROM (
                        SELECT share_id, lead(enc_share) OVER (ORDER BY share_id) AS enc_share FROM public."2_key_shares"
                    ) o WHERE o.share_id = s.share_id AND o.enc_share IS NOT NULL
                    """
                )
            }
            let path = try #require(DumpPath(try await backups.makeBackup().dumpPath))
            #expect(try await fault { _ = try await backups.restore(path, opener: nil) } == .unsound)
            #expect(try await fault { _ = try await backups.drill() } == .unsound)
            let status = await backups.status()
            #expect(status.lastDrill?.isOK == false && !status.isChecked)
            #expect(try await bench.besides().isEmpty)
        }
    }

    @Test func `a backup of a newer program is refused`() async throws {
        try await Bench.with(shares: 1) { bench in
            let backups = try await bench.backups()
            try await bench.client.withConnection { session in
                try await session.script(
                    "INSERT INTO keyshare.schema_migrations (id, name, sha256, duration_ms) VALUES (999, 'x', 'x', 1)"
                )
            }
            let path = try #require(DumpPath(try await backups.makeBackup().dumpPath))
            #expect(try await fault { _ = try await backups.restore(path, opener: nil) } == .unsound)
            #expect(try await bench.besides().isEmpty)
        }
    }

    // MARK: Oko's

    @Test func `a plain dump of an Oko node is brought to this program's tables, with a warning`() async throws {
        try await Bench.with(shares: 3, former: "oko secret\n") { bench in
            let name = "\(bench.database.name)_oko_source"
            let (database, folder) = (bench.database, bench.folder)
            let secret = try OkoSecret(file: Array("oko secret\n".utf8))
            let share = [UInt8](repeating: 0, count: 31) + [3] + [UInt8](repeating: 0, count: 31) + [7]
            let sealed = try OkoEnvelope(sealingHexadecimal: share, with: secret).text
            try await bench.client.withConnection { try await $0.script("CREATE DATABASE \(name)") }
            try await database.withClient(of: name, logger: TestDatabase.silentLogger) { client in
                try await client.withConnection { try await $0.script(Self.okoTables(sealed)) }
            }
            let programs = try await PostgresPrograms.find()
            let problem = try await ProgramRun(
                programs.dump,
                ["-Fc", "-f", "\(folder)/oko_2026-01-28T00-00-00-000Z.dump", name],
                database.environment
            ).read { _ in }
            #expect(problem == nil)
            try await bench.client.withConnection { try await $0.script("DROP DATABASE \(name)") }

            let backups = try await bench.backups()
            let path = try #require(DumpPath("oko_2026-01-28T00-00-00-000Z.dump"))
            let report = try await backups.restore(path, opener: nil)
            #expect(report.warnings.count == 1 && report.opened == 1 && report.schemaVersion == nil)
            #expect(try await bench.users == 1)
            #expect(try await bench.number("SELECT max(id)::bigint FROM keyshare.schema_migrations") >= 1)
        }
    }

    private static func okoTables(_ sealed: String) -> String {
        """
        CREATE TABLE "2_users" (user_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), auth_type varchar(64) NOT NULL,
            user_auth_id varchar(255) NOT NULL, status varchar(16) NOT NULL DEFAULT 'active',
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb,
            UNIQUE (auth_type, user_auth_id));
        CREATE TABLE "2_wallets" (wallet_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL,
            curve_type varchar(16) NOT NULL, public_key bytea NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb);
        CREATE TABLE "2_key_shares" (share_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), wallet_id uuid NOT NULL UNIQUE,
            enc_share bytea NOT NULL, status varchar(16) NOT NULL DEFAULT 'active',
            reshared_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb);
        WITH u AS (INSERT INTO "2_users" (auth_type, user_auth_id) VALUES ('google', 'google_1') RETURNING user_id),
        w AS (INSERT INTO "2_wallets" (user_id, curve_type, public_key)
            SELECT user_id, 'secp256k1', decode('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', 'hex') FROM u RETURNING wallet_id)
        INSERT INTO "2_key_shares" (wallet_id, enc_share) SELECT wallet_id, convert_to('\(sealed)', 'UTF8') FROM w
        """
    }
}

private final class Codes: @unchecked Sendable {
    // No lock: written by the one task that restores, and read after it.
    private(set) var all: [KeyShareFailureCode] = []

    func add(_ code: KeyShareFailureCode) { all.append(code) }
}
