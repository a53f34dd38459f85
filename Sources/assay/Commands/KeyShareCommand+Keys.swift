// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import IdentityProviders
import KeyShareNode
import Logging
import Postgres
import Secp256k1
import Settings
import ShareEnvelopes

extension KeyShareCommand {
    /// Makes the root secret.
    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make a node's root secret: a file, or pieces for several operators.",
            discussion: """
                With --root-secret-file a new file of 64 hexadecimal digits is made, which only its owner may read; name it \
                in KS_ROOT_SECRET_FILE and keep a copy apart from the database's backups: without it no share can be opened.

                With --pieces the secret is drawn, split, and kept nowhere: each piece is printed once, and the database, \
                which needs no secret yet, is told what the pieces belong to. The node then starts sealed \
                (KS_SEALED=true), until --threshold operators have run 'assay keyshare unseal'.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Option(help: "The file to make; it must not be there yet.")
        var rootSecretFile: String?

        @Option(help: "How many pieces to make, up to 255.")
        var pieces: Int?

        @Option(help: "How many pieces open the node, at least 2.")
        var threshold = 3

        func validate() throws {
            guard (rootSecretFile == nil) != (pieces == nil) else {
                throw ValidationError("give --root-secret-file, or --pieces")
            }
            guard let pieces else { return }
            guard 2...255 ~= pieces else { throw ValidationError("--pieces is 2 to 255") }
            guard 2...pieces ~= threshold else { throw ValidationError("--threshold is 2 to \(pieces), the pieces") }
        }

        func run() async throws {
            if let rootSecretFile { return try Self.write(rootSecretFile) }
            let settings = try node.settings(requiresDatabase: false)
            let needed: [Setting] = [.databaseHost, .databaseUser, .databaseName]
            let missing = needed.filter { settings.text($0) == nil }.map { "\($0.name) is not set: \($0.meaning)" }
            guard missing.isEmpty else {
                throw Failure(Failure.configuration, Settings.Invalid(problems: missing).description)
            }
            let secrets = try Self.noSecrets()
            try await KeyShareCommand.withService(settings, secrets: secrets, preparesNode: false) { service in
                let lines = try await service.initialise(pieces: pieces ?? 5, threshold: threshold)
                for piece in lines { Terminal.say(piece.line) }
                Terminal.note(
                    "Give each line to another operator and close this window: they are shown once. "
                        + "Any \(threshold) of them open the node, and fewer say nothing."
                )
            }
        }

        private static func noSecrets() throws -> ShareSecrets {
            do throws(KeyShareNodeError) { return try ShareSecrets(root: nil) } catch {
                throw KeyShareWiring.failure(error)
            }
        }

        private static func write(_ path: String) throws {
            var generator = SystemRandomNumberGenerator()
            var bytes = (0..<RootSecret.count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            var text = Array((Hex.encode(bytes) + "\n").utf8)
            defer {
                overwrite(&bytes)
                overwrite(&text)
            }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else {
                let reason = String(cString: strerror(errno))
                throw Failure(Failure.refused, "\(path) cannot be made: \(reason); a secret is never written over")
            }
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            do {
                try file.write(contentsOf: text)
                try file.synchronize()
            } catch { throw Failure(Failure.unavailable, "\(path) cannot be written: \(error)") }
            Terminal.note("made \(path); keep a copy apart from the database's backups")
        }
    }

    /// Wraps every data key anew.
    struct RotateKEK: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-kek",
            abstract: "Wrap the keys of all shares anew under a new key-encryption key, while the node serves.",
            discussion: """
                Each share keeps its own key; only its wrapping is exchanged, in batches. It can be stopped at any time: \
                the next run, or a node that serves, goes on where it was. Every node on the same database follows by \
                itself. A sealed node rotates by POST /admin/v1/rotate-kek instead.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions

        func run() async throws {
            try await KeyShareCommand.withService(try node.settings()) { service in
                let report = try await service.rotateKeyEncryptionKey { progress in
                    Terminal.note("epoch \(progress.epoch): \(progress.rewrapped) rows")
                }
                Terminal.say("epoch \(report.epoch): \(report.rewrapped) rows wrapped anew")
                guard report.isComplete else {
                    throw Failure(
                        Failure.unreadable,
                        "the earlier key is still needed by \(report.damaged) rows that do not open; see the log and the audit"
                    )
                }
            }
        }
    }

    /// Makes the node a new key.
    struct RotateKeypair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-keypair",
            abstract: "Make the node a new Ed25519 key, signed by the one before, or list the keys it had.",
            discussion: "The key before verifies for ten minutes more. Nodes that serve follow by themselves.",
            aliases: ["rotate_keypair"]
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Flag(help: "List the keys, the newest first.")
        var list = false

        @Flag(help: "Make a new key.")
        var rotate = false

        func validate() throws {
            guard list != rotate else { throw ValidationError("give --list or --rotate") }
        }

        func run() async throws {
            try await KeyShareCommand.withService(try node.settings()) { service in
                if rotate {
                    let key = try await service.rotateKeypair()
                    Terminal.say("version \(key.version): \(Hex.encode(key.publicKey))")
                    return
                }
                let rows = try await service.publicKeys().map { key in
                    [
                        String(key.version), Hex.encode(key.publicKey), key.isActive ? "active" : "former",
                        key.createdAt.formatted(.iso8601), key.signature == nil ? "first" : "signed",
                    ]
                }
                Terminal.table(rows)
            }
        }
    }

    /// Takes over an Oko node's database.
    struct ImportV1: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import-v1",
            abstract: "Take over the users, shares and key of an Oko node's database.",
            discussion: """
                DB_* name this node's own database, --database-url the Oko node's, which is only read; stop that node \
                first. ENCRYPTION_SECRET_PATH names the Oko node's secret. A node whose DB_* name the Oko node's own \
                database needs no import: its rows are used as they are, and sealed anew in the background.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions
        @OptionGroup var other: OtherDatabase

        func run() async throws {
            let url = try other.url()
            try await KeyShareCommand.withService(try node.settings(), preparesNode: false) { service in
                let report = try await OtherDatabase.with(url) { source in
                    try await service.importFormer(from: source) { Terminal.note("\($0.written) shares") }
                }
                Terminal.say(
                    "\(report.written) shares taken over, \(report.present) were there, \(report.keypairs) keys"
                )
            }
        }
    }

    /// Writes an Oko node's database.
    struct ExportV1: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export-v1",
            abstract: "Write all users, shares and keys into a database that an Oko node opens.",
            discussion: """
                Sealed with the secret of ENCRYPTION_SECRET_PATH. A share takes 30 ms; what was written before is left out \
                when it is run again. Stop the node first. Wallets of two users with one public key, which Oko does not \
                have, are exported once.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions
        @OptionGroup var other: OtherDatabase

        func run() async throws {
            let url = try other.url()
            try await KeyShareCommand.withService(try node.settings()) { service in
                let report = try await OtherDatabase.with(url) { target in
                    try await service.exportFormer(to: target) { Terminal.note("\($0.written) shares") }
                }
                Terminal.say("\(report.written) shares written, \(report.present) were there, \(report.keypairs) keys")
                guard report.failed == 0 else {
                    throw Failure(Failure.unreadable, "\(report.failed) shares were not written; see the log")
                }
            }
        }
    }

    /// Follows the audit.
    struct AuditVerify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "audit-verify",
            abstract: "Follow the audit's chain from its first entry to its end; exit 65 if it is broken.",
            discussion: "Also checks every end that the node has signed, and that each of its keys names the next."
        )

        @OptionGroup var node: KeyShareNodeOptions

        func run() async throws {
            try await KeyShareCommand.withService(try node.settings(), preparesNode: false) { service in
                let report = try await service.auditVerification()
                Terminal.say("\(report.entries) entries, \(report.signedHeads) signed ends")
                guard report.holds else { throw Failure(Failure.unreadable, report.faults.joined(separator: "\n")) }
                Terminal.say("the chain holds")
            }
        }
    }

    /// Opens a node's store for a command that ends.
    static func withService(
        _ settings: Settings,
        secrets: ShareSecrets? = nil,
        preparesNode: Bool = true,
        _ body: (KeyShareService) async throws -> Void
    ) async throws {
        let logger = Logs.start("assay.keyshare", level: .warning)
        _ = NodeMemory.protect()
        let secrets = try secrets ?? KeyShareWiring.secrets(settings)
        let client = try await KeyShareDatabase(settings).client(logger: logger)
        let service = KeyShareService(
            configuration: KeyShareWiring.configuration(settings),
            client: client,
            identities: IdentityDirectory([:]),
            secrets: secrets,
            logger: logger
        )
        do {
            if preparesNode { try await service.prepare(isServing: false) }
            try await body(service)
        } catch let error as KeyShareNodeError {
            await client.shutDown()
            throw KeyShareWiring.failure(error)
        } catch {
            await client.shutDown()
            throw error
        }
        await client.shutDown()
    }
}

/// The database on the other side of an import or export.
struct OtherDatabase: ParsableArguments {
    @Option(
        help: """
            Connection string of the other database, without a password: that comes from ~/.pgpass, PGPASSWORD, or the \
            file of --database-url-file.
            """
    )
    var databaseURL: String?

    @Option(name: .customLong("database-url-file"), help: "A file with the whole connection string.")
    var file: String?

    func validate() throws {
        guard (databaseURL == nil) != (file == nil) else {
            throw ValidationError("give --database-url or --database-url-file")
        }
    }

    /// - Throws: ``Failure`` when the file cannot be read.
    func url() throws -> String {
        guard let file else { return databaseURL ?? "" }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Failure(Failure.configuration, "\(file) cannot be read")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func with<Value: Sendable>(
        _ url: String,
        _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        let logger = Logger(label: "assay.keyshare")
        let client = PostgresClient(
            PostgresConfiguration(connectionString: url, connections: 2, applicationName: "assay-keyshare-v1"),
            logger: logger
        )
        do {
            try await client.waitUntilReady(timeout: .seconds(15))
            let value = try await body(client)
            await client.shutDown()
            return value
        } catch let error as PostgresError {
            await client.shutDown()
            throw Failure(Failure.unavailable, "the other database does not answer: \(error)")
        } catch {
            await client.shutDown()
            throw error
        }
    }
}
