// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KeyShareProtocol
import PostgresTestSupport
import Subprocess
import SystemPackage
import Testing

@testable import KeyShareBackups

/// A process is killed with signal 9 while it makes or restores a backup.
@Suite struct CrashTests {
    @Test(arguments: [BackupStage.begun, .dumping, .written, .named])
    func `a process that is killed during a backup leaves nothing behind`(stage: BackupStage) async throws {
        try await Bench.with(shares: 300) { bench in
            try await Self.kill(bench, at: stage)
            try await Self.recover(bench)
            #expect(try await bench.users == 300)
            #expect(try await bench.rows("IN_PROGRESS") == 0)
            #expect(try await bench.rows("FAILED") == 1)
            // A file that has its name is whole, though the history does not know it.
            #expect(bench.files.count == (stage == .named ? 1 : 0))
            let backups = try await bench.backups()
            for name in bench.files { _ = try await backups.verify(try #require(DumpPath(name))) }
            bench.clock.advance(hours: 1)
            _ = try await backups.makeBackup()
            #expect(try await backups.drill().rows["public.2_users"] == 300)
        }
    }

    @Test(arguments: [BackupStage.verified, .created, .restored, .checked, .saved, .suspended, .exchanged])
    func `a process that is killed during a restore leaves the live data, or what was restored`(
        stage: BackupStage
    ) async throws {
        try await Bench.with(shares: 30) { bench in
            let backups = try await bench.backups()
            let name = try await backups.makeBackup().dumpPath
            try await bench.fill(5, user: "later")
            try await Self.kill(bench, at: stage, restoring: name)
            try await Self.recover(bench)
            #expect(try await bench.users == (stage == .exchanged ? 30 : 35))
            #expect(try await bench.shares == (stage == .exchanged ? 30 : 35))
            // Nothing half-way is left; the former live database is, once it has been exchanged.
            let besides = try await bench.besides()
            #expect(besides.count == (stage == .exchanged ? 1 : 0))
            #expect(besides.allSatisfy { $0.contains("_before_") })
            let again = try await bench.backups()
            bench.clock.advance(hours: 1)
            let check = try await again.restore(try #require(DumpPath(name)), opener: nil)
            #expect(check.opened == 20)
            #expect(try await bench.users == 30)
        }
    }

    @Test func `while another process makes a backup no second one is begun`() async throws {
        try await Bench.with(shares: 300) { bench in
            let backups = try await bench.backups()
            try await Self.kill(bench, at: .dumping) {
                #expect(try await fault { _ = try await backups.makeBackup() } == .busy)
                // A second process that starts meanwhile takes nothing for left over.
                try await backups.prepare()
                #expect(try await bench.rows("IN_PROGRESS") == 1)
                #expect(bench.files.count == 1)
            }
            try await Self.recover(bench)
            _ = try await backups.makeBackup()
            #expect(try await bench.rows("COMPLETED") == 1)
        }
    }

    @Test func `while another process restores no second restore or drill is begun`() async throws {
        try await Bench.with(shares: 30) { bench in
            let backups = try await bench.backups()
            let name = try await backups.makeBackup().dumpPath
            let path = try #require(DumpPath(name))
            try await Self.kill(bench, at: .restored, restoring: name) {
                #expect(try await fault { _ = try await backups.restore(path, opener: nil) } == .busy)
                #expect(try await fault { _ = try await backups.drill() } == .busy)
                try await backups.prepare()
                #expect(try await bench.besides().count == 1)
            }
            try await Self.recover(bench)
            #expect(try await backups.drill().opened == 20)
        }
    }

    /// Starts a process, and kills it at the stage, after the body.
    private static func kill(
        _ bench: Bench,
        at stage: BackupStage,
        restoring name: String? = nil,
        after body: () async throws -> Void = {}
    ) async throws {
        var words = [bench.database.host, bench.database.user, bench.database.name, bench.folder, stage.rawValue]
        if let name { words.append(name) }
        let executable = Bundle.main.bundleURL.deletingLastPathComponent().appendingPathComponent("BackupCrashProbe")
        let program = [executable.path, ".build/debug/BackupCrashProbe"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        let result = try await Subprocess.run(
            .path(FilePath(try #require(program))),
            arguments: Arguments(words),
            input: .none,
            output: .sequence,
            error: .string(limit: 1 << 20)
        ) { execution in
            for try await line in execution.standardOutput.strings() {
                #expect(line.hasPrefix("there"))
                try await body()
                try execution.send(signal: .kill)
                return true
            }
            return false
        }
        #expect(result.closureResult, "\(result.standardError)")
        #expect(result.terminationStatus == .signaled(9))
    }

    /// What the next start does; the server takes a moment to notice that the process is gone.
    private static func recover(_ bench: Bench) async throws {
        let backups = try await bench.backups()
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            try await backups.prepare()
            let isTidy = try await bench.besides().allSatisfy { $0.contains("_before_") }
            let running = try await bench.rows("IN_PROGRESS")
            if isTidy, running == 0 { return }
        }
        Issue.record("not tidied within a minute")
    }
}
