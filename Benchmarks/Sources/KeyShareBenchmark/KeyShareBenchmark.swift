// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KeyShares
import ServerProcesses

/// A key share node over HTTP with 50,000 shares in PostgreSQL, beside what Oko's format costs and a server that only echoes.
///
/// Database, node and echo are processes of their own, so their processor time and memory are their own. `--seconds N` sets
/// how long each measurement takes, `--crypto` measures the crypto alone, `--check` fails the run when a target is missed.
@main
enum KeyShareBenchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "database": try await DatabaseProcess.run(directory: arguments[1])
        case "node": try await NodeProcess.run(directory: arguments[1])
        case "echo": try await EchoProcess.run(directory: arguments[1])
        case "--crypto": try Cryptography.measure()
        default: try await measure(arguments)
        }
    }

    /// Registrations in a second while their latency is measured.
    private static let registrations = 50

    private static func measure(_ arguments: [String]) async throws {
        let flag = arguments.firstIndex(of: "--seconds")
        let seconds = flag.flatMap { arguments.dropFirst($0 + 1).first }.flatMap { Int($0) } ?? 5
        let directory = FileManager.default.temporaryDirectory.appending(path: "keyshare-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let people = try People()
        try Data(people.keySet).write(to: URL(fileURLWithPath: "\(directory)/jwks"))
        let echo = try Child(["echo", directory], announcement: "\(directory)/echo")
        defer { echo.stop() }
        let database = try Child(["database", directory], announcement: "\(directory)/database")
        defer { database.stop() }
        _ = try await database.port()
        let node = try Child(["node", directory], announcement: "\(directory)/node")
        defer { node.stop() }
        let client = NodeClient(port: try await node.port())
        let other = NodeClient(port: try await echo.port())

        let readers = try await people.tokens(0..<4_000)
        let keys = try (0..<4_000).map { NodeClient.hex(try People.wallet($0).publicKey) }
        let get: Load.Call = { try await client.get(readers[$0 % 4_000], publicKey: keys[$0 % 4_000]) }
        for index in 0..<200 { try await get(index) }
        let plain = try await Load.saturate(pid: echo.pid, seconds: seconds) {
            try await other.post("/echo", keys[$0 % 4_000], readers[$0 % 4_000])
        }
        let former = try await Load.saturate(pid: echo.pid, seconds: seconds) {
            try await other.post("/former", keys[$0 % 4_000], readers[$0 % 4_000])
        }
        let reads = try await Load.saturate(pid: node.pid, seconds: seconds, get)
        let half = max(1, Int(reads.perSecond / 2))
        let paced = try await Load.paced(rate: half, seconds: seconds, get)
        let revealers = try await people.tokens(0..<4_000)
        let reveals = try await Load.saturate(pid: node.pid, seconds: seconds, calls: 4_000) {
            try await client.reveal(revealers[$0], publicKey: keys[$0])
        }
        let count = registrations * seconds
        let newcomers = try await people.tokens(People.stored..<People.stored + count)
        let wallets = try (0..<count).map { try People.wallet(People.stored + $0) }
        let registered = try await Load.paced(rate: registrations, seconds: seconds) { index in
            let (key, share) = wallets[index]
            try await client.register(
                newcomers[index],
                publicKey: NodeClient.hex(key),
                share: NodeClient.hex(share.bytes)
            )
        }
        let memory = try ProcessTime.residentMegabytes(of: node.pid)

        line("bare HTTP echo, CPU", plain.cpu, "us")
        line("echo and one row of format 1 (PBKDF2), CPU", former.cpu, "us")
        line("echo and one row of format 1, load on the same cores", former.perSecond, "1/s")
        let ratio = String(format: "%.1f echoes, %.4f of format 1", reads.cpu / plain.cpu, reads.cpu / former.cpu)
        line("version 1 get, CPU of the node", reads.cpu, "us", ratio)
        line("version 1 get, load on the same cores", reads.perSecond, "1/s", "target > 1000")
        line("p50 at \(half)/s", paced.percentile(50), "ms")
        line("p99 at \(half)/s", paced.percentile(99), "ms")
        line("version 2 commit and get, CPU of the node", reveals.cpu, "us")
        line("version 2 commit and get, load on the same cores", reveals.perSecond, "1/s")
        line("register, p50 at \(registrations)/s", registered.percentile(50), "ms")
        line("register, p99 at \(registrations)/s", registered.percentile(99), "ms")
        line("resident memory of the node", memory, "MB", "target < 128")
        if arguments.contains("--check"), reads.perSecond <= 1000 || memory >= 128 { exit(1) }
    }

    private static func line(_ name: String, _ value: Double, _ unit: String, _ rest: String = "") {
        let number = String(format: "%10.1f", value)
        print(name.padding(toLength: 56, withPad: " ", startingAt: 0) + "\(number) \(unit)  \(rest)")
    }
}
