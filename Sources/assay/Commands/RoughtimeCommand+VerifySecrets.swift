// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import RoughtimeKeys

extension RoughtimeCommand {
    /// Checks that keys and backups are there and belong together.
    struct VerifySecrets: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-secrets",
            abstract: "Check that the key unseals and that its backups would bring it back; shows no secret.",
            discussion: """
                Unseals the seed as the delegate's unit would, and compares public key, backup and, where given, the \
                private backup key, the paper form and the certificates in use.

                Exit codes: 0 no check failed; 1 a check failed; 64 usage.
                """
        )

        @Option(help: "The directory of the keys.")
        var directory = KeyDirectory.standard

        @OptionGroup var tpm: TPMOptions

        @Option(help: "The file of the private backup key: the backup is decrypted with it.")
        var privateKey: String?

        @Flag(help: "Read the paper form from standard input and compare it.")
        var paper = false

        @Option(help: "A certificate set that the seed must have signed.")
        var certificates: String?

        @Flag(help: "Print the checks as JSON.")
        var json = false

        private struct Check: Encodable {
            let check: String
            let outcome: String
            let detail: String
        }

        func run() async throws {
            let keys = KeyDirectory(directory)
            let expected = try? LongTermPublicKey.read(keys.publicKey)
            var checks: [Check] = []
            func check(_ name: String, _ body: () async throws -> String) async {
                do {
                    checks.append(Check(check: name, outcome: "passed", detail: try await body()))
                } catch {
                    let text = (error as? Failure)?.message ?? "\(error)"
                    checks.append(Check(check: name, outcome: "failed", detail: text))
                }
            }
            func skip(_ name: String, _ reason: String) {
                checks.append(Check(check: name, outcome: "skipped", detail: reason))
            }
            await check("memory") {
                try ProcessMemory.protect()
                return "no core dump, no tracing"
            }
            await check("public key") { LongTermPublicKey.text(of: try LongTermPublicKey.read(keys.publicKey)) }
            await check("seed") {
                try await keys.seed(CredentialSealing(policy: tpm.policy)).requirePublicKey(try known(expected))
                return FileManager.default.fileExists(atPath: keys.sealedSeed) ? "unseals" : "readable, not sealed"
            }
            if FileManager.default.fileExists(atPath: keys.backup) {
                await check("backup") {
                    try same(try SeedBackup(file: keys.backup).longTermPublicKey, try known(expected))
                    return keys.backup
                }
            } else {
                skip("backup", "there is no \(keys.backup): is the paper form all there is?")
            }
            if let privateKey {
                await check("backup opens") {
                    let key = try BackupKey.privateKey(file: privateKey)
                    try SeedBackup(file: keys.backup).open(with: key).requirePublicKey(try known(expected))
                    return "with \(privateKey)"
                }
            } else {
                skip("backup opens", "--private-key is not given")
            }
            if paper {
                await check("paper form") {
                    try RoughtimeCommand.readPaperForm().requirePublicKey(try known(expected))
                    return "every group is right"
                }
            } else {
                skip("paper form", "--paper is not given")
            }
            if let certificates {
                await check("certificates") {
                    let set = try CertificateSet(file: certificates)
                    try set.requireSigner(try known(expected))
                    return "\(set.certificates.count) forms"
                }
            } else {
                skip("certificates", "--certificates is not given")
            }
            try report(checks)
        }

        private func known(_ key: [UInt8]?) throws -> [UInt8] {
            guard let key else { throw Failure(Failure.configuration, "there is no public key to compare with") }
            return key
        }

        private func same(_ found: [UInt8], _ expected: [UInt8]) throws {
            guard found == expected else { throw Failure(Failure.refused, "it belongs to another public key") }
        }

        private func report(_ checks: [Check]) throws {
            let isGood = !checks.contains { $0.outcome == "failed" }
            if json {
                try Terminal.say(json: ["checks": checks])
            } else {
                let words = ["passed": "ok", "failed": "FAIL", "skipped": "skip"]
                Terminal.table(checks.map { [words[$0.outcome] ?? "", $0.check, $0.detail] })
                Terminal.say(isGood ? "No check failed." : "The secrets are NOT in order.")
            }
            if !isGood { throw ExitCode(1) }
        }
    }
}
