// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import PomadeClient

extension FrostCommand {
    /// Has signers make a key together.
    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have signers make a key together that nobody ever holds.",
            discussion: """
                Every signer draws a part of the key and tells the others, sealed, what they need of it; the key is never \
                in one place. What signing needs is left in --state. There is no key file and no recovery: without enough \
                of the signers the key is gone.

                  assay frost generate --threshold 2 --signer https://a.example \\
                    --signer https://b.example --signer https://c.example
                """
        )

        @OptionGroup var signers: SignerOptions

        @Option(name: .shortAndLong, help: "How many signers make a signature; at least 2.")
        var threshold = 2

        @Option(help: "Where to write what signing needs; it must not exist.")
        var state = "frost.json"

        @Option(help: "The proof of work that the signers ask for, in bits.")
        var work = KeyDealing.usualWork

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (0...32).contains(work) else { throw ValidationError("--work lies between 0 and 32") }
        }

        func run() async throws {
            guard !FileManager.default.fileExists(atPath: state) else {
                throw Failure(Failure.usage, "\(state) exists already: name another file with --state, or move it away")
            }
            let urls = try signers.found()
            let made = try await FrostCommand.asking {
                try await KeyGenerationCeremony(threshold: threshold, urls: urls).run(work: work)
            }
            try FrostCommand.writeNew(String(decoding: made.json, as: UTF8.self), to: state)
            try Deal.report(try ThresholdSigner(made), state: state, threshold: threshold, json: json)
        }
    }

    /// Has a lost share made again.
    struct Repair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a signer's lost share made again by the other signers.",
            discussion: """
                The others make the share together and seal it for the signer at --at, which may be another one than \
                before. None of them learns it, nor does this program. Every signer's operator must have named the \
                others (POMADE_PEERS); the new session signs, and recovers nothing.

                  assay frost repair 3 --at https://d.example
                """
        )

        @OptionGroup var stateOptions: StateOptions

        @Argument(help: "The number of the share, as 'assay frost sessions' shows it.")
        var number: Int

        @Option(help: "The URL of the signer that gets the share.")
        var at: String

        @Option(help: "The proof of work that the signer asks for, in bits.")
        var work = KeyDealing.usualWork

        func validate() throws {
            guard (0...32).contains(work) else { throw ValidationError("--work lies between 0 and 32") }
        }

        func run() async throws {
            let signer = try stateOptions.signer()
            let changed = try await FrostCommand.asking { try await signer.repair(number, at: at, work: work) }
            try FrostCommand.replace(stateOptions.state, with: changed)
            Terminal.say("share \(number) is with \(at) now")
        }
    }
}
