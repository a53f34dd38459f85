// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Crypto
import Foundation
import Roughtime
import RoughtimeKeys

extension RoughtimeCommand {
    /// Makes the long-term key.
    struct Keygen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the long-term key, seal it to this machine and back it up.",
            discussion: """
                Writes longterm.seed.cred (the sealed seed), longterm.pub and, with a backup key, longterm.seed.backup. A \
                machine dies and its TPM with it, so a key without a backup is made only when --no-backup says so. Nothing \
                is ever overwritten.

                  assay roughtime keygen --backup-key-out /media/stick/roughtime.key --paper

                Exit codes: 0 made; 64 usage; 69 the system refuses; 77 there is a key already.
                """
        )

        @OptionGroup var options: KeepingOptions

        @Option(help: "Encrypt a backup to this public backup key, or the file of it.")
        var backupKey: String?

        @Option(help: "Make a backup key and write its private half to this new file, on a medium that goes offline.")
        var backupKeyOut: String?

        @Flag(help: "Print the seed as groups of characters for paper, on standard output: a secret.")
        var paper = false

        @Flag(help: "Make a key that nothing can bring back.")
        var noBackup = false

        func validate() throws {
            guard backupKey == nil || backupKeyOut == nil else {
                throw ValidationError("--backup-key and --backup-key-out exclude each other")
            }
            let hasBackup = backupKey != nil || backupKeyOut != nil || paper
            guard hasBackup != noBackup else {
                throw ValidationError("give --backup-key, --backup-key-out or --paper, or else --no-backup alone")
            }
        }

        func run() async throws {
            do {
                try await make()
            } catch let error as RoughtimeKeyError {
                throw RoughtimeCommand.failure(error)
            }
        }

        private func make() async throws {
            try ProcessMemory.protect()
            let keys = options.keys
            let keeping = try await options.keeping()
            try keys.prepare(isRecovery: false)
            let seed = try LongTermSeed.random()
            let publicKey = try seed.publicKey()
            // The backup comes first: should anything fail, there is no key in use that has none.
            if let recipient = try recipient() { try SeedBackup(of: seed, to: recipient).write(to: keys.backup) }
            try await keys.keep(seed, keeping)
            var rows = [
                ["public key", LongTermPublicKey.text(of: publicKey)],
                ["SRV", Hex.encode(LongTermKey.serverTag(publicKey: publicKey))],
                ["seed", keeping.file(keys)],
            ]
            if backupKey != nil || backupKeyOut != nil { rows.append(["backup", keys.backup]) }
            if let backupKeyOut { rows.append(["private backup key", "\(backupKeyOut) (take it offline)"]) }
            Terminal.table(rows)
            guard paper else { return }
            Terminal.note(
                "This is the seed. Write it down or print it, check it with verify-secrets --paper, clear the screen."
            )
            Terminal.say(PaperForm.text(of: seed))
        }

        private func recipient() throws -> Curve25519.KeyAgreement.PublicKey? {
            if let backupKey {
                let isFile = FileManager.default.fileExists(atPath: backupKey)
                return try isFile ? BackupKey.publicKey(file: backupKey) : BackupKey.publicKey(parsing: backupKey)
            }
            guard let backupKeyOut else { return nil }
            let pair = Curve25519.KeyAgreement.PrivateKey()
            try BackupKey.write(pair, to: backupKeyOut)
            return pair.publicKey
        }
    }
}

extension KeyDirectory.Keeping {
    /// Where the seed lies, and how.
    func file(_ keys: KeyDirectory) -> String {
        switch self {
        case .sealed(_, let key): "\(keys.sealedSeed) (sealed with \(key.rawValue))"
        case .plain: "\(keys.plainSeed) (plain)"
        }
    }
}
