// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// The program: one subcommand per role, so that each can be its own process with only the secrets it needs.
@main
struct Assay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay",
        abstract: "A Lightning trust oracle that sells its answers over L402.",
        discussion: """
            Start here:      assay run --data ./assay-data
            In production:   assay migrate; assay serve; assay crawl
            As a client:     assay get URL --wallet run.json
            Nostr keys:      assay frost (to use one), assay signer (to hold shares)
            Wallets' shares: assay keyshare

            Settings come from the environment; 'assay config' lists them. Secrets are best given as NAME_FILE. \
            Exit codes follow sysexits: 64 usage, 69 something needed is missing, 70 internal, 78 configuration.
            """,
        version: BuildInfo.current.summary,
        subcommands: [
            RunCommand.self, ServeCommand.self, CrawlCommand.self, SandboxCommand.self, MigrateCommand.self,
            GetCommand.self, TokenCommand.self, ReceiptCommand.self, HealthCheckCommand.self, ConfigCommand.self,
            ServicesCommand.self, ProbeCommand.self, SimulateCommand.self,
            RoughtimeCommand.self, TimeCommand.self, SignerCommand.self, FrostCommand.self, DatabaseCommand.self,
            ReleaseCommand.self, KeyShareCommand.self,
        ]
    )

    static func main() async {
        // A reader that closes its end of a pipe is no reason to die.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            if Terminal.hasLostOutput {
                throw Failure(Failure.output, "the answer could not be written to standard output: is the disk full?")
            }
        } catch let failure as Failure {
            Terminal.error(failure.message)
            Foundation.exit(failure.exitCode)
        } catch {
            exit(withError: error)
        }
    }
}
