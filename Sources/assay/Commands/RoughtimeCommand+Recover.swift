// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import RoughtimeKeys

extension RoughtimeCommand {
    /// Brings the long-term key back from a backup.
    struct Recover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring the long-term key back from its backup or its paper form, and seal it anew.",
            discussion: """
                Use it on a new machine, or when the TPM does not unseal any more. The key must be the one of --public-key, \
                or of longterm.pub in the directory. Typing errors in a paper form are named by their group.

                  assay roughtime recover --backup longterm.seed.backup \\
                    --private-key /media/stick/roughtime.key
                  assay roughtime recover --paper \\
                    --public-key 0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=

                Exit codes: 0 recovered; 64 usage; 65 malformed or mistyped; 69 the system refuses; 77 another key, or \
                there is a seed already.
                """
        )

        @OptionGroup var options: KeepingOptions

        @Option(help: "The backup file.")
        var backup: String?

        @Option(help: "The file of the private backup key.")
        var privateKey: String?

        @Flag(help: "Read the paper form from standard input.")
        var paper = false

        @Option(help: "The server's long-term public key, or its file; without it longterm.pub in the directory.")
        var publicKey: String?

        func validate() throws {
            guard paper != (backup != nil), (backup != nil) == (privateKey != nil) else {
                throw ValidationError("give --backup with --private-key, or --paper")
            }
        }

        func run() async throws {
            do {
                try await recover()
            } catch let error as RoughtimeKeyError {
                throw RoughtimeCommand.failure(error)
            }
        }

        private func recover() async throws {
            try ProcessMemory.protect()
            let keys = options.keys
            try keys.prepare(isRecovery: true)
            let expected = try expectedKey(keys)
            let seed = try read()
            try seed.requirePublicKey(expected)
            let keeping = try await options.keeping()
            try await keys.keep(seed, keeping)
            Terminal.table([
                ["public key", LongTermPublicKey.text(of: expected)], ["seed", keeping.file(keys)],
            ])
        }

        private func expectedKey(_ keys: KeyDirectory) throws -> [UInt8] {
            if let publicKey { return try RoughtimeCommand.publicKey(publicKey) }
            guard FileManager.default.fileExists(atPath: keys.publicKey) else {
                throw ValidationError("--public-key is needed: there is no \(keys.publicKey) to compare with")
            }
            return try LongTermPublicKey.read(keys.publicKey)
        }

        private func read() throws -> LongTermSeed {
            guard let backup, let privateKey else { return try RoughtimeCommand.readPaperForm() }
            return try SeedBackup(file: backup).open(with: try BackupKey.privateKey(file: privateKey))
        }
    }

    /// Reads a paper form from standard input.
    static func readPaperForm() throws -> LongTermSeed {
        if Terminal.isInteractive {
            Terminal.note(
                "Type the 14 groups of the paper form, with spaces or line ends between them; end with Ctrl-D."
            )
        }
        let data = try FileHandle.standardInput.read(upToCount: 4096) ?? Data()
        do {
            return try PaperForm.seed(parsing: String(decoding: data, as: UTF8.self))
        } catch {
            throw Failure(Failure.unreadable, "the paper form cannot be read: \(error)")
        }
    }
}
