// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

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

/// A server process that ends with this one.
final class Child {
    private let process = Process()
    private let lifeline = Pipe()
    private let announcement: String

    var pid: Int32 { process.processIdentifier }

    init(_ arguments: [String], announcement: String) throws {
        self.announcement = announcement
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = lifeline
        try process.run()
    }

    /// Waits for the port that the child writes once it listens.
    func port() async throws -> Int {
        for _ in 0..<600 {
            if let data = FileManager.default.contents(atPath: announcement),
                let port = Int(String(decoding: data, as: UTF8.self))
            {
                return port
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchmarkError("no \(announcement) within a minute")
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Ends this process, a child, when its parent has gone.
    static func endWithParent() {
        Thread.detachNewThread {
            _ = try? FileHandle.standardInput.readToEnd()
            exit(0)
        }
    }

    static func announce(_ port: Int, at path: String) {
        try? Data(String(port).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Why there is no figure.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Processor time of a process, from `/proc`.
enum ProcessTime {
    /// User and system time in seconds.
    static func seconds(of process: Int32) throws -> Double {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // The name, in parentheses, may hold anything.
        let fields = stat.lastIndex(of: ")").map { stat[stat.index(after: $0)...].split(separator: " ") } ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw BenchmarkError("/proc/\(process)/stat cannot be read")
        }
        return Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
