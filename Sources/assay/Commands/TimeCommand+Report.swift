// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Roughtime
import RoughtimeClient

extension TimeCommand {
    /// Sends a report of malfeasance.
    struct Report: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a report of malfeasance to those who keep a list of servers.",
            discussion: """
                The report is verified first: broken signatures accuse nobody, and answers that agree are no \
                malfeasance, so neither is sent. When the receiver cannot take it, it is tried again after 10 s, 15 s, \
                22.5 s and so on, a day at most.

                  assay time report malfeasance.json --to https://example.com/reports
                  assay time report malfeasance.json --list servers.json

                With --list it goes to the address that the list has under "reports".

                Exit codes: 0 it was taken; 65 it is no evidence; 69 it was not taken; 64 usage.
                """
        )

        @Argument(help: "The report, as 'assay time check' writes it; '-' reads standard input.")
        var file: String

        @Option(help: "The https address that takes reports.")
        var to: String?

        @Option(help: "A key of a server, for reports that do not name the servers (drafts 08 to 11).")
        var key: [String] = []

        @Option(help: "How often to try.")
        var tries = 5

        @OptionGroup var options: ServerOptions

        func run() async throws {
            guard (1...100).contains(tries) else { throw ValidationError("--tries is 1 to 100") }
            let list = try options.servers()
            guard let url = to ?? list.reports else {
                throw ValidationError("the list has no address for reports: give one with --to")
            }
            let keys = try key.map(RoughtimeCommand.publicKey) + list.servers.map(\.publicKey)
            let report: MalfeasanceReport
            do {
                let data = try TimeCommand.read(file, limit: MalfeasanceReport.maximumLength)
                report = try MalfeasanceReport(json: data, keys: keys)
            } catch let error as ReportFormatError {
                throw Failure(Failure.unreadable, "\(file): \(error)")
            }
            do {
                let status = try await ReportUpload().send(
                    report,
                    to: url,
                    options: options.verification,
                    tries: tries
                ) { reason, wait in Terminal.note("\(reason); trying again in \(wait.components.seconds) s") }
                Terminal.say("The report was taken (HTTP status \(status)).")
            } catch {
                switch error {
                case .noEvidence, .consistent: throw Failure(Failure.unreadable, "\(error)")
                case .address: throw ValidationError("\(error)")
                case .refused, .givenUp: throw Failure(Failure.unavailable, "\(error)")
                }
            }
        }
    }
}
