// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Roughtime
import RoughtimeClient

extension TimeCommand {
    /// Makes a time proof of a file.
    struct Stamp: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prove that a file exists now: its digest goes into the questions that servers answer.",
            discussion: """
                Only the SHA-256 of the file, hidden by a random salt, leaves this machine. The proof goes to standard \
                output; keep it with the file. Anybody can verify it offline, with the servers' keys:

                  assay time stamp report.pdf > report.proof.json
                  assay time verify report.proof.json --document report.pdf --list servers.json

                Exit codes: 0 a proof was made; 65 the file cannot be read; 69 too few servers answered; 64 usage.
                """
        )

        @Argument(help: "The file; '-' reads standard input.")
        var file: String

        @Option(help: "How many servers must have answered.")
        var needed = 1

        @Option(help: "How many servers to ask.")
        var servers = 3

        @Option(help: "Seconds for everything.")
        var timeout = 20.0

        @OptionGroup var options: ServerOptions

        /// Longer files are better stamped by a list of their digests.
        private static let longest = 1 << 30

        func run() async throws {
            guard (1...32).contains(needed), (1...32).contains(servers), needed <= servers else {
                throw ValidationError("--needed and --servers are 1 to 32, and --needed is not more than --servers")
            }
            let patience = try TimeCommand.seconds(timeout, "--timeout", in: 1...3600)
            let contents = try TimeCommand.read(file, limit: Self.longest)
            let stamper = TimeStamper(
                client: options.client,
                servers: try options.servers().servers.map { TimeServer($0) },
                needed: needed,
                wanted: servers
            )
            do {
                let proof = try await stamper.stamp(digest: TimeProof.digest(of: contents), within: patience)
                Terminal.say(String(decoding: proof.json, as: UTF8.self))
            } catch {
                throw Failure(Failure.unavailable, "no proof was made: \(error)")
            }
        }
    }
}
