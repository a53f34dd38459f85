// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LightningPrimitives
import Mail
import Nostr
import PasswordHashing
import Pomade
import PomadeClient
import Secp256k1
import Supervisor

extension FrostCommand {
    /// Splits a key and registers the shares.
    struct Deal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Split a key among signers.",
            discussion: """
                The key is read from --key-file, or made and written to --new-key-file; keep that file offline, nobody needs \
                it to sign. Each signer gets one share and a proof of work, and all of them have to answer. What signing needs is \
                left in --state.

                With --email a password is asked for (or read from standard input); with both, 'assay frost recover' makes \
                the key again. The signers mail the address.

                  assay frost deal --key-file key.nsec --email you@example.com \\
                    --signer https://a.example --signer https://b.example \\
                    --signer https://c.example
                """
        )

        @OptionGroup var signers: SignerOptions

        @Option(help: "The file with the key to split: nsec1... or 64 hexadecimal digits.")
        var keyFile: String?

        @Option(help: "Make a new key and write it to this file, which must not exist.")
        var newKeyFile: String?

        @Option(name: .shortAndLong, help: "How many signers make a signature.")
        var threshold = 2

        @Option(help: "Where to write what signing needs; it must not exist.")
        var state = "frost.json"

        @Option(help: "An address by which the key can be recovered; a password is asked for.")
        var email: String?

        @Option(help: "The proof of work that the signers ask for, in bits.")
        var work = KeyDealing.usualWork

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (keyFile == nil) != (newKeyFile == nil) else {
                throw ValidationError("give either --key-file or --new-key-file")
            }
            guard (0...32).contains(work) else { throw ValidationError("--work lies between 0 and 32") }
        }

        func run() async throws {
            // A share that is registered and then cannot be used would stay with the signers.
            for file in [state, newKeyFile].compactMap(\.self) { try FrostCommand.requireNew(file) }
            if let email, (try? EmailAddress(email)) == nil {
                throw Failure(Failure.usage, "\(email) is no e-mail address, such as you@example.com")
            }
            let urls = try signers.found()
            let password = try email.map { try FrostCommand.newSecretLine("Password for \($0): ") }
            let dealt = try await FrostCommand.asking {
                let secret = try key()
                let dealing = try KeyDealing(secret: secret, threshold: threshold, urls: urls)
                if let newKeyFile { try FrostCommand.writeNew(secret.nsec + "\n", to: newKeyFile) }
                do { return try await dealing.register(recovery: email != nil, work: work) } catch {
                    Terminal.error("the key is not dealt; \(retry)")
                    throw error
                }
            }
            try FrostCommand.writeNew(String(decoding: dealt.json, as: UTF8.self), to: state)
            let signer = try ThresholdSigner(dealt)
            var faults: [SignerFault] = []
            if let email, let password {
                faults = await signer.setRecovery(
                    address: email,
                    password: password,
                    hashing: await AccountAccess.hashing(of: urls)
                )
                for fault in faults { Terminal.error("recovery is not set: \(fault)") }
            }
            try Self.report(signer, state: state, threshold: threshold, json: json)
            if !json, let newKeyFile { Terminal.note("The key is in \(newKeyFile): put it away, offline.") }
            guard urls.count - faults.count >= threshold else {
                throw Failure(
                    Failure.unavailable,
                    "the key signs, but too few signers took the address to recover it; \(retry) --state ANOTHER"
                )
            }
        }

        /// What to type when the key was not dealt as it should be.
        private var retry: String {
            "when the signers answer, run it again with --key-file \(keyFile ?? newKeyFile ?? "FILE")"
        }

        private func key() throws -> SecretKey {
            if let keyFile { return try FrostCommand.readKey(keyFile) }
            return .random()
        }

        private struct Report: Encodable {
            let pubkey, npub, session, state: String
            let threshold: Int
            let signers: [ClientState.Member]
        }

        /// Says what there is now.
        static func report(_ signer: ThresholdSigner, state: String, threshold: Int, json: Bool) throws {
            let dealt = signer.state
            guard !json else {
                try Terminal.say(
                    json: Report(
                        pubkey: signer.key.hex,
                        npub: signer.key.npub,
                        session: dealt.session.description,
                        state: state,
                        threshold: threshold,
                        signers: dealt.members
                    )
                )
                return
            }
            Terminal.say("public key  \(signer.key.npub)")
            Terminal.say("            \(signer.key.hex)")
            Terminal.say("threshold   \(threshold) of \(dealt.members.count)")
            Terminal.say("session     \(dealt.session)")
            Terminal.say("state       \(state)")
            Terminal.table([["share", "signer"]] + dealt.members.map { [String($0.idx), $0.url] })
            if threshold == 1 { Terminal.note("With a threshold of 1 each signer holds the whole key: 2 is safer.") }
        }
    }
}
