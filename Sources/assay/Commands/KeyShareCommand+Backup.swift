// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BackupContainers
import ByteCoding
import Crypto
import Foundation
import KeyShareBackups
import KeyShareNode
import KeyShareProtocol
import Settings
import ShareEnvelopes

extension KeyShareCommand {
    /// Makes backups and tries them out.
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a backup now; or try one out, copy it elsewhere, make keys for backups.",
            discussion: """
                A running node makes a backup each day by itself (KS_BACKUP_AT). Each is a dump of one moment, sealed and \
                read back while it is written; what fails is no backup, and leaves no file.

                Without KS_BACKUP_RECIPIENTS the root secret opens backups: keep a copy of it apart from them. Better: \
                make a key on a machine that is not the node,
                  assay keyshare backup keygen --out backup-key
                give the node the public half as KS_BACKUP_RECIPIENTS, and lock the file away. Whoever takes the node \
                over can then read no backup.
                """,
            subcommands: [Make.self, Drill.self, Copy.self, Keygen.self],
            defaultSubcommand: Make.self
        )

        /// Makes a backup.
        struct Make: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make a backup in DUMP_DIR, and copy it to KS_OFFSITE.",
                discussion: "Prints the file's name. The node may run meanwhile; one backup is made at a time."
            )

            @OptionGroup var node: KeyShareNodeOptions

            @Flag(name: .customLong("no-copy"), help: "Do not copy it elsewhere.")
            var noCopy = false

            func run() async throws {
                let copies = !noCopy
                try await KeyShareBackupWiring.with(try node.settings(), observe: BackupProgress.say) { backups in
                    let receipt = try await backups.makeBackup(copying: false)
                    Terminal.note("\(BackupProgress.bytes(receipt.dumpSize)) in \(receipt.dumpDuration) ms")
                    Terminal.say(receipt.dumpPath)
                    if copies, !backups.configuration.targets.isEmpty { try await KeyShareCommand.copy(backups) }
                }
            }
        }

        /// Copies the newest backup.
        struct Copy: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Copy the newest backup to those of KS_OFFSITE that have not got it.",
                discussion: "A running node does this by itself, and tries again after a quarter of an hour."
            )

            @OptionGroup var node: KeyShareNodeOptions

            func run() async throws {
                try await KeyShareBackupWiring.with(try node.settings(), observe: BackupProgress.say) { backups in
                    try await KeyShareCommand.copy(backups)
                }
            }
        }

        /// Tries a backup out.
        struct Drill: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Restore the newest backup into a scratch database, check it there, and drop it.",
                discussion: """
                    Proves that the backup restores: every seal, every table's rows against what the backup says of them, \
                    the tables' version, and 20 shares that are opened. The live database is not touched. A running node \
                    does this each week (KS_BACKUP_DRILL).

                    With KS_BACKUP_RECIPIENTS the node cannot read its backups: give the private key with --key, on a \
                    machine that may have it. Without it a new dump is tried out instead of the file.
                    """
            )

            @OptionGroup var node: KeyShareNodeOptions
            @OptionGroup var key: BackupKeyOptions

            @Argument(help: "A file in DUMP_DIR. [default: the newest backup]")
            var file: String?

            func run() async throws {
                let path = try file.map(BackupProgress.path)
                let opener = try key.opener()
                try await KeyShareBackupWiring.with(try node.settings(), observe: BackupProgress.say) { backups in
                    BackupProgress.table(try await backups.drill(path, opener: opener))
                    Terminal.say("\nthe backup restores")
                }
            }
        }

        /// Makes a key for backups.
        struct Keygen: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make the pair of keys of somebody who can read backups; the node gets the public one only.",
                discussion: """
                    Run it on a machine that is not the node. Prints the public key for KS_BACKUP_RECIPIENTS, which may \
                    have several, separated by commas. Without the file no backup made for it can be read by anybody: \
                    keep two copies in two places.
                    """
            )

            @Option(help: "The file for the private key; must not exist.")
            var out: String

            func run() throws {
                let key = Curve25519.KeyAgreement.PrivateKey()
                let text = Hex.encode(Array(key.rawRepresentation)) + "\n"
                let descriptor = open(out, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
                guard descriptor >= 0 else {
                    throw Failure(Failure.usage, "\(out) exists already, or cannot be written")
                }
                let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
                try handle.write(contentsOf: Data(text.utf8))
                try handle.synchronize()
                Terminal.say("\(BackupRecipient(key.publicKey))")
            }
        }
    }

    /// Puts a backup back.
    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a backup in the place of the live database, after it was checked beside it.",
            discussion: """
                In this order: the whole file is verified; it is restored into a database beside the live one; its rows \
                are counted and 20 shares opened; the live database is backed up; then the two databases exchange names \
                in one transaction. If anything fails before that, or the power does, the live database is as it was. It \
                is kept for seven days under the name that is printed.

                The file lies in DUMP_DIR: its name, or its path. Files of 'pg_dump -Fc', as Oko's nodes make them, are \
                taken too. What was registered after the backup was made is not in it.

                A node that runs loses its connections for a moment at the exchange. The database's role needs CREATEDB.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions
        @OptionGroup var key: BackupKeyOptions

        @Argument(help: "A file in DUMP_DIR.")
        var file: String

        @Flag(help: "Do not ask.")
        var yes = false

        @Flag(
            name: .customLong("without-saving"),
            help: "Make no backup of the live database before: for one that cannot be read any more."
        )
        var withoutSaving = false

        func run() async throws {
            let path = try BackupProgress.path(file)
            let opener = try key.opener()
            let settings = try node.settings()
            let name = settings.text(.databaseName) ?? ""
            if !yes {
                guard Terminal.isInteractive, Terminal.confirm("Put \(path.name) in the place of database \(name)?")
                else { throw Failure(Failure.usage, "not restored: confirm, or give --yes") }
            }
            let savesLive = !withoutSaving
            try await KeyShareBackupWiring.with(settings, observe: BackupProgress.say) { backups in
                let report = try await backups.restore(path, opener: opener, savesLive: savesLive)
                BackupProgress.table(report)
                Terminal.say(
                    "\n\(path.name) is live; what was live before is kept for 7 days as \(report.before ?? "")"
                )
            }
        }
    }

    /// Shows what backups there are.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the backups that were made, the newest first.",
            discussion: "COMPLETED ones are in DUMP_DIR; DELETED ones were kept as long as they should be."
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Option(help: "How many days back, 1 to 1000. [default: all]")
        var days: Int?

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            if let days, !(1...1000).contains(days) { throw ValidationError("--days is 1 to 1000") }
        }

        func run() async throws {
            let (days, json) = (days, json)
            try await KeyShareBackupWiring.with(try node.settings(), observe: { _ in }) { backups in
                let rows = try await backups.history(days: days)
                guard !json else { return try Terminal.say(json: rows) }
                guard !rows.isEmpty else { return Terminal.say("no backups yet") }
                Terminal.table(
                    [["MADE", "STATUS", "SIZE", "FILE", "COPIES"]]
                        + rows.map { row in
                            [
                                row.createdAt, row.status.rawValue, row.meta.dumpSize.map(BackupProgress.bytes) ?? "-",
                                row.meta.error ?? row.dumpPath ?? "-",
                                row.copies.map { "\($0.target) \($0.status)" }.joined(separator: ", "),
                            ]
                        }
                )
            }
        }
    }

    /// Reads a backup to its end.
    struct VerifyBackup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-backup",
            abstract: "Read a backup to its end: every seal, and the dump inside.",
            discussion: """
                Needs no database: run it where the key is, on any copy of the file. With the root secret of the settings, \
                or with --key the private key of a recipient. A name that is not here is looked for in DUMP_DIR. A drill \
                shows more: that the backup restores.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions
        @OptionGroup var key: BackupKeyOptions

        @Argument(help: "The file.")
        var file: String

        func run() async throws {
            let settings = try node.settings(requiresDatabase: false)
            var absolute = URL(fileURLWithPath: file).path
            if !file.contains("/"), !FileManager.default.fileExists(atPath: absolute),
                let folder = settings.text(.dumpDirectory), !folder.isEmpty
            {
                absolute = "\(folder)/\(file)"
            }
            let directory = (absolute as NSString).deletingLastPathComponent
            let path = try BackupProgress.path((absolute as NSString).lastPathComponent)
            let given = try key.opener()
            // A recipient's key is often where the root secret is not.
            let secrets = given == nil ? try KeyShareWiring.secrets(settings) : try? KeyShareWiring.secrets(settings)
            let own = secrets?.root.map { BackupKey(root: $0) }
            do {
                let opener = given?.made(by: own) ?? .node(own)
                let report = try await BackupService.verify(path, in: directory, opener: opener)
                BackupProgress.table(report)
                if own == nil { Terminal.note("no root secret here: who made the backup is not known") }
                Terminal.say("\nthe backup is whole")
            } catch let fault as BackupFault {
                throw KeyShareBackupWiring.failure(fault)
            }
        }
    }

    fileprivate static func copy(_ backups: BackupService) async throws {
        let faults = try await backups.copyNewest()
        for target in backups.configuration.targets {
            Terminal.note("\(target): \(faults["\(target)"].map { "not copied: \($0)" } ?? "copied")")
        }
        guard faults.isEmpty else { throw Failure(Failure.unavailable, "not everywhere copied") }
    }
}

/// Who reads sealed backups.
struct BackupKeyOptions: ParsableArguments {
    @Option(name: .customLong("key"), help: "File of a recipient's private key, as 'backup keygen' makes it.")
    var path: String?

    /// `nil` for the node's own key.
    func opener() throws -> BackupOpener? {
        guard let path else { return nil }
        guard let data = FileManager.default.contents(atPath: path), data.count < 1024,
            let bytes = Hex.decode(
                String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            ),
            let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes)
        else { throw Failure(Failure.usage, "--key: \(path) does not hold 64 hexadecimal digits") }
        return .recipient(key)
    }
}

/// What is said while a backup is made or restored.
private enum BackupProgress {
    @Sendable static func say(_ stage: BackupStage) {
        switch stage {
        case .begun: Terminal.note("dumping the database ...")
        case .dumping, .named: break
        case .written: Terminal.note("the dump is whole")
        case .verified: Terminal.note("the file is whole; restoring it beside the live database ...")
        case .created: break
        case .restored: Terminal.note("restored; checking rows and shares ...")
        case .checked: Terminal.note("it is sound")
        case .saved: Terminal.note("the live database is backed up")
        case .suspended: Terminal.note("exchanging the databases ...")
        case .exchanged: Terminal.note("exchanged")
        }
    }

    static func path(_ text: String) throws -> DumpPath {
        guard let path = DumpPath(text) else {
            throw Failure(Failure.usage, "'\(text)' is not the name of a backup, which ends in .akb or .dump")
        }
        return path
    }

    static func bytes(_ count: Int64) -> String {
        count < 10_000 ? "\(count) B" : count < 10_000_000 ? "\(count / 1000) kB" : "\(count / 1_000_000) MB"
    }

    static func table(_ report: RestoreReport) {
        for warning in report.warnings { Terminal.note("warning: \(warning)") }
        var rows = [
            ["file", report.name ?? "a new dump, since only recipients can read the file"],
            ["dump", bytes(report.bytes)],
            ["schema", report.schemaVersion.map(String.init) ?? "Oko's"],
            ["took", "\((report.seconds * 10).rounded() / 10) s"],
        ]
        if report.opened > 0 { rows.append(["shares opened", "\(report.opened)"]) }
        Terminal.table(rows)
        guard !report.rows.isEmpty else { return }
        Terminal.say("")
        Terminal.table(
            [["TABLE", "ROWS"]] + report.rows.sorted { $0.key < $1.key }.map { [$0.key, String($0.value)] }
        )
    }
}
