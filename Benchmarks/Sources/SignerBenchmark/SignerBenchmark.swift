// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServerProcesses

/// Measures what a signature costs one signer of a 2-of-3 key, beside the bare mathematics and a bare HTTP echo.
///
/// The servers are processes of their own, so their processor time is their own. `--seconds N` sets how long each
/// measurement takes, `--check` fails the run when a target is missed.
@main
enum SignerBenchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "serve": try await SignerProcess.run(directory: arguments[1])
        case "echo": try await EchoProcess.run(directory: arguments[1])
        default: try await measure(arguments)
        }
    }

    private static func measure(_ arguments: [String]) async throws {
        let flag = arguments.firstIndex(of: "--seconds")
        let seconds = flag.flatMap { arguments.dropFirst($0 + 1).first }.flatMap { Int($0) } ?? 5
        let directory = FileManager.default.temporaryDirectory.appending(path: "signer-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let mathematics = try Mathematics.measure(seconds: seconds)
        let echo = try Child(["echo", directory], announcement: "\(directory)/echo")
        defer { echo.stop() }
        let signer = try Child(["serve", directory], announcement: "\(directory)/signer")
        defer { signer.stop() }

        let (signerPort, echoPort) = (try await signer.port(), try await echo.port())
        let sessions = try await Load.register(600, port: signerPort)
        let plain = try await Load.echo(port: echoPort, pid: echo.pid, seconds: seconds)
        let full = try await Load.sign(sessions, port: signerPort, pid: signer.pid, seconds: seconds)
        let half = Int(full.perSecond / 2)
        let paced = try await Load.paced(sessions, port: signerPort, rate: half, seconds: seconds, hashes: 0)
        let hashing = try await Load.paced(sessions, port: signerPort, rate: half, seconds: seconds, hashes: 4)

        func line(_ name: String, _ value: Double, _ unit: String, _ rest: String = "") {
            let number = String(format: "%10.1f", value)
            print(name.padding(toLength: 58, withPad: " ", startingAt: 0) + "\(number) \(unit)  \(rest)")
        }
        line("bare mathematics of one signer, CPU", mathematics, "us")
        line("bare HTTP echo, two requests, CPU", plain, "us")
        let baseline = mathematics + plain
        let ratio = String(format: "%.2f times mathematics + echo", full.cpu / baseline)
        line("signature with HTTP, NIP-98 and sessions, CPU of the signer", full.cpu, "us", ratio)
        line("signatures per CPU-second of the signer", 1_000_000 / full.cpu, "1/s", "target >= 1500")
        line("signatures per second, load on the same cores", full.perSecond, "1/s")
        line("p50 at \(half)/s, both rounds", paced.percentile(50), "ms")
        line("p99 at \(half)/s, both rounds", paced.percentile(99), "ms", "target < 20")
        line("p50 with 4 Argon2id a second beside", hashing.percentile(50), "ms")
        line("p99 with 4 Argon2id a second beside", hashing.percentile(99), "ms")
        let isGood = 1_000_000 / full.cpu >= 1500 && paced.percentile(99) < 20
        if arguments.contains("--check"), !isGood { exit(1) }
    }
}
