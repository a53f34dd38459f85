// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import EmbeddedPostgres
import Foundation
import Gzip
import LightningGraph
import LightningPrimitives
import Logging
import Migrations
import Postgres

/// What reading, scoring and following the whole graph of mainnet costs, beside what it may cost.
///
/// `--json FILE` writes the figures too; `--check` fails when one is missed; `--growth` adds graphs of 4 and 16 times
/// the size. `--ingest` only reads the graph and prints its own peak memory: the program starts itself with it.
@main
struct TrustBenchmark {
    private static let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    static let snapshot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Examples/graph/mainnet-2026-02-03.graph.json.gz").path

    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.contains("--ingest") { return try ingestOnly() }
        var figures = Figures()
        let base = try graph()
        try measureIngest(&figures)
        PureSteps(base).measure(&figures)
        try await measurePasses(&figures)
        if arguments.contains("--growth") { Growth.measure(base, &figures) }
        print(figures.table)
        if let option = arguments.firstIndex(of: "--json"), arguments.indices.contains(option + 1) {
            try figures.json.write(to: URL(filePath: arguments[option + 1]))
        }
        if arguments.contains("--check"), !figures.isGood { exit(1) }
    }

    static func graph() throws -> ChannelGraph {
        var reader = GraphReader()
        let bytes = try GzipReader(path: snapshot)
        while let chunk = try bytes.next() { try reader.consume(chunk) }
        return try reader.finish().ordered()
    }

    /// Reads the graph as the crawler does and prints the seconds and the peak memory of this process.
    private static func ingestOnly() throws {
        let start = ContinuousClock.now
        let graph = try graph()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        let kilobytes = peak.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "0"
        print("\(seconds) \(kilobytes) \(graph.channels.count)")
    }

    private static func measureIngest(_ figures: inout Figures) throws {
        let child = Process()
        child.executableURL = URL(filePath: CommandLine.arguments[0])
        child.arguments = ["--ingest"]
        let output = Pipe()
        child.standardOutput = output
        try child.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard numbers.count == 3 else { return }
        figures.add("ingest of the whole graph", numbers[0] * 1000, "ms", atMost: 3000)
        figures.add("its peak memory", numbers[1] / 1024, "MB", atMost: 400)
    }

    /// Whole passes into a durable server of our own.
    private static func measurePasses(_ figures: inout Figures) async throws {
        let directory = "/tmp/assay-benchmark-\(ProcessInfo.processInfo.processIdentifier)"
        let server = EmbeddedPostgres(
            configuration: EmbeddedPostgresConfiguration(directory: "\(directory)/pg"),
            logger: logger
        )
        let url = try await server.start()
        let result: Result<Figures, any Error>
        do { result = .success(try await passes(url)) } catch { result = .failure(error) }
        await server.stop()
        try? FileManager.default.removeItem(atPath: directory)
        figures.append(try result.get())
    }

    private static func passes(_ url: String) async throws -> Figures {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: url, connections: 4, applicationName: "benchmark"),
            logger: logger
        )
        _ = try await Migrator(client: client, logger: logger).migrate()
        var figures = Figures()
        let now = Date(timeIntervalSince1970: 1_770_200_000)
        let source = SnapshotSource(path: snapshot)
        let live = LiveGraph(source)
        let first = try await client.withConnection { try await live.resync($0, now: now) }
        figures.add("first pass, everything written", milliseconds(first.duration), "ms")
        let again = try await client.withConnection { try await live.resync($0, now: now) }
        figures.add("full pass, nothing changed", milliseconds(again.duration), "ms")
        for (step, duration) in again.steps {
            figures.add("  \(step.rawValue)", milliseconds(duration), "ms")
        }
        let scoring = again.duration - again[.receive] - again[.parse]
        figures.add("scoring pass without reading", milliseconds(scoring), "ms", atMost: 1500)
        try await deltas(client, live, now: now, &figures)
        try await Following(client, graph: try graph(), logger: logger).measure(&figures)
        await client.shutDown()
        return figures
    }

    /// A thousand changed policies in one go, until the database has the scores.
    private static func deltas(
        _ client: PostgresClient,
        _ live: LiveGraph<SnapshotSource>,
        now: Date,
        _ figures: inout Figures
    ) async throws {
        let graph = try graph()
        var times: [Double] = []
        var last: PassReport?
        for round in 0..<5 {
            let lines = DeltaLines.make(graph, round: round, count: 1000)
            let start = ContinuousClock.now
            for line in lines { await live.apply(line: line, now: now) }
            last = try await client.withConnection { try await live.rescore($0, now: now) }
            times.append(milliseconds(ContinuousClock.now - start))
        }
        guard let last else { return }
        figures.add("delta of 1000 policies, until committed", times.sorted()[2], "ms", atMost: 1000)
        for (step, duration) in last.steps { figures.add("  \(step.rawValue)", milliseconds(duration), "ms") }
        figures.add("  scores changed", Double(last.changes.scores), "")
        for line in DeltaLines.make(graph, round: 5, count: 10) { await live.apply(line: line, now: now) }
        guard let few = try await client.withConnection({ try await live.rescore($0, now: now) }) else { return }
        figures.add("delta of 10 policies, until committed", milliseconds(few.duration), "ms")
        figures.add("  write", milliseconds(few[.write]), "ms")
        figures.add("  scores changed", Double(few.changes.scores), "")
    }
}

func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }

/// A graph file as a source without updates of its own.
struct SnapshotSource: GraphUpdateSource {
    let path: String

    func status() async throws -> GraphSourceStatus {
        guard let node = NodeID(hex: "02" + String(repeating: "11", count: 32)) else { throw GraphUpdatesUnsupported() }
        return GraphSourceStatus(node: node, isSyncedToGraph: true)
    }

    func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws {
        let reader = try GzipReader(path: path)
        while let chunk = try reader.next() { try chunk.withUnsafeBytes(take) }
    }

    func readUpdates(_ take: ([UInt8]) async -> Void) async throws { throw GraphUpdatesUnsupported() }
}

/// Lines of LND's subscription that change fees and now and then disable a direction.
enum DeltaLines {
    static func make(_ graph: ChannelGraph, round: Int, count: Int) -> [[UInt8]] {
        let step = graph.channels.count / count
        return (0..<count).map { number in
            let channel = graph.channels[(number * step + round * 7) % graph.channels.count]
            let (one, two) = (graph.nodes[Int(channel.node1)].id.hex, graph.nodes[Int(channel.node2)].id.hex)
            let text = """
                {"result":{"node_updates":[],"channel_updates":[{"chan_id":"\(channel.id.rawValue)",\
                "capacity":"\(channel.capacitySat)","routing_policy":{"time_lock_delta":\(40 + round),"min_htlc":"1000",\
                "fee_base_msat":"\(number)","fee_rate_milli_msat":"\(100 + round)","disabled":\(number % 10 == 0),\
                "max_htlc_msat":"\(channel.capacitySat * 990)","last_update":\(1_770_150_000 + round)},\
                "advertising_node":"\(one)","connecting_node":"\(two)"}],"closed_chans":[]}}
                """
            return Array(text.utf8)
        }
    }
}
