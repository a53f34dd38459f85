// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Measures what the gate costs, each figure beside a plain nginx static answer in the same run.
///
/// Every server is a process of its own, so its processor time is its own. With `--json` the table is JSON; with
/// `--seconds N` each measurement takes that long; `--check` fails the run when a target is missed;
/// `--verification` measures that alone, which needs no servers.
@main
enum GateBenchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "node": try await NodeProcess.run(directory: arguments[1])
        case "serve": try await GatewayProcess.run(directory: arguments[1], databaseURL: arguments[2])
        default: try await measure(arguments)
        }
    }

    private static func measure(_ arguments: [String]) async throws {
        func value(_ flag: String) -> String? {
            arguments.firstIndex(of: flag).flatMap { arguments.dropFirst($0 + 1).first }
        }
        var report = Report()
        report.add(try VerificationBenchmark.measure())
        if arguments.contains("--verification") { return print(report.table()) }
        let seconds = value("--seconds").flatMap { Int($0) } ?? 5
        let servers = try await Servers.start()
        do {
            report.add(try await ServerBenchmark(servers: servers, seconds: seconds).measure())
        } catch {
            await servers.stop()
            throw error
        }
        await servers.stop()
        print(arguments.contains("--json") ? try report.json() : report.table())
        if arguments.contains("--check"), !report.isGood { exit(1) }
    }
}
