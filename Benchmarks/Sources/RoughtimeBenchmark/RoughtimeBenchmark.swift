// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import CRoughtimeBaseline
import Crypto
import Foundation
import Glibc
import Logging
import Roughtime
import RoughtimeResponder

/// Measures the Roughtime responder beside a bare UDP echo and a C program that does the same work, in one run.
///
/// Every server is a process of its own with one thread; its processor time is divided by its answers.
///
///     swift run -c release --package-path Benchmarks RoughtimeBenchmark            all figures
///     … RoughtimeBenchmark --soak 10000000                                         memory over so many requests
@main
struct RoughtimeBenchmark {
    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "serve" { return try await Server.run(arguments[1]) }
        if let index = arguments.firstIndex(of: "--soak"), index + 1 < arguments.count {
            return try soak(requests: UInt64(arguments[index + 1]) ?? 10_000_000)
        }
        let isChecking = arguments.contains("--check")
        arguments.removeAll()
        let good = try compare()
        if isChecking, !good { exit(1) }
    }

    private static func compare() throws -> Bool {
        var rows: [String: (cpu: Double, rate: Double)] = [:]
        let runs: [(name: String, server: String, version: Version)] = [
            ("UDP echo in C", "echo", .rfc10049), ("same work in C", "sign", .rfc10049),
            ("version 1", "responder", .rfc10049), ("drafts 12 to 19", "responder", .draft12),
            ("Google's version", "responder", .google), ("UDP echo in C, again", "echo", .rfc10049),
            ("same work in C, again", "sign", .rfc10049),
        ]
        print("server                    µs CPU per answer    answers/s     lost")
        for run in runs {
            let child = try ServerProcess(run.server)
            defer { child.stop() }
            let load = Load(version: run.version, port: child.port)
            _ = load.closed(burst: 256, seconds: 0.5)
            let before = child.processorSeconds
            let result = load.closed(burst: 256, seconds: 4)
            let cpu = (child.processorSeconds - before) / Double(max(result.received, 1)) * 1e6
            let rate = Double(result.received) / result.seconds
            rows[run.name] = (cpu, rate)
            print(
                run.name.padding(toLength: 24, withPad: " ", startingAt: 0),
                column(cpu, 2, 18),
                column(rate, 0, 12),
                column(Double(result.sent - result.received), 0, 8)
            )
        }
        return try judge(rows)
    }

    private static func judge(_ rows: [String: (cpu: Double, rate: Double)]) throws -> Bool {
        let child = try ServerProcess("responder")
        defer { child.stop() }
        let load = Load(version: .rfc10049, port: child.port)
        let lone = load.lone(count: 2000)
        let peak = rows["version 1"]?.rate ?? 0
        let paced = load.paced(rate: peak * 0.8, seconds: 5)
        let baseline = min(rows["same work in C"]?.cpu ?? .infinity, rows["same work in C, again"]?.cpu ?? .infinity)
        let modern = rows["drafts 12 to 19"]?.cpu ?? .infinity
        let ours = max(rows["version 1"]?.cpu ?? .infinity, modern)
        let loss = Double(paced.sent - paced.received) / Double(max(paced.sent, 1)) * 100
        print("")
        print("slower of version 1 and draft 12", column(ours, 2, 10), "µs   at most 7")
        print("beside the same work in C       ", column(ours / baseline, 2, 10), "     at most 1.5")
        print("lone request, median            ", column(lone.median, 0, 10), "µs   at most 150")
        print("lone request, 99 of 100 below   ", column(lone.high, 0, 10), "µs")
        print("lost at 80 % of the peak rate   ", column(loss, 3, 10), "%    0")
        return ours <= 7 && ours / baseline <= 1.5 && lone.median <= 150 && loss == 0
    }

    private static func soak(requests: UInt64) throws {
        let child = try ServerProcess("responder")
        defer { child.stop() }
        let load = Load(version: .rfc10049, port: child.port)
        var answered: UInt64 = 0
        var next = requests / 10
        print("answers        resident memory")
        while answered < requests {
            answered += load.closed(burst: 256, seconds: 1).received
            guard answered >= next else { continue }
            next += requests / 10
            print(column(Double(answered), 0, 12), column(Double(child.residentKilobytes) / 1024, 2, 10), "MB")
        }
    }

    static func column(_ value: Double, _ digits: Int, _ width: Int) -> String {
        let text = String(format: "%.\(digits)f", value)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

/// Sends requests of one version.
struct Load {
    private let packet: [UInt8]
    private let nonce: Int
    private let port: UInt16

    init(version: Version, port: UInt16) {
        let length = version == .google ? 64 : 32
        let mark = [UInt8](repeating: 0xa5, count: length)
        let packet = Request(versions: [version], nonce: mark)?.packet ?? []
        self.packet = packet
        nonce = packet.indices.first { packet[$0...].starts(with: mark) } ?? 0
        self.port = port
    }

    func closed(burst: UInt32, seconds: Double) -> load_result {
        load_closed(port, packet, packet.count, nonce, burst, seconds)
    }

    func paced(rate: Double, seconds: Double) -> load_result {
        load_paced(port, packet, packet.count, nonce, rate, seconds)
    }

    func lone(count: Int) -> (median: Double, high: Double) {
        var latencies = [Double](repeating: 0, count: count)
        let answered = load_lone(port, packet, packet.count, nonce, &latencies, count)
        let sorted = latencies.prefix(answered).sorted()
        guard !sorted.isEmpty else { return (.infinity, .infinity) }
        return (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
    }
}
