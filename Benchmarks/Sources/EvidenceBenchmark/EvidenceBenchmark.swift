// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Evidence
import Foundation
import Logging
import Migrations
import Postgres
import TrustScore

/// Compares outcomes recorded in batches with outcomes recorded one by one, on the same durable server in the same run.
///
/// Each outcome is logged with what was predicted, folded into a belief and counted by day. With `--check` the program
/// fails below 20,000 batched outcomes per second.
@main
struct EvidenceBenchmark {
    private static let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    /// Targets; each has five stages.
    private static let targets = 5000
    private static let now = unixTime()

    static func main() async throws {
        let directory = "/tmp/assay-benchmark-\(ProcessInfo.processInfo.processIdentifier)"
        let server = EmbeddedPostgres(
            configuration: EmbeddedPostgresConfiguration(directory: "\(directory)/pg"),
            logger: logger
        )
        let url = try await server.start()
        let result: Result<Bool, any Error>
        do {
            result = .success(try await measure(url))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        try? FileManager.default.removeItem(atPath: directory)
        let isGood = try result.get()
        if !isGood, CommandLine.arguments.contains("--check") { exit(1) }
    }

    private static func measure(_ url: String) async throws -> Bool {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: url, connections: 2, applicationName: "benchmark"),
            logger: logger
        )
        _ = try await Migrator(client: client, logger: logger).migrate()
        try await EvidencePartitions.ensure(client)
        let store = EvidenceStore(client)
        // The first round makes the rows, the others change them.
        let first = try await rate(store, outcomes: 50_000, batch: 5000)
        let batched = try await rate(store, outcomes: 200_000, batch: 5000)
        let single = try await rate(store, outcomes: 2000, batch: 1)
        await client.shutDown()
        print("batches of 5000, new rows       \(Int(first)) outcomes/s")
        print("batches of 5000, rows changed   \(Int(batched)) outcomes/s (at least 20000)")
        print("one by one                      \(Int(single)) outcomes/s")
        print("ratio                           \((batched / single * 10).rounded() / 10)")
        return batched >= 20_000
    }

    private static func rate(_ store: EvidenceStore, outcomes: Int, batch: Int) async throws -> Double {
        var generator = SeededGenerator(seed: UInt64(outcomes))
        let all = (0..<outcomes).map { outcome($0, using: &generator) }
        let start = ContinuousClock.now
        for index in stride(from: 0, to: all.count, by: batch) {
            try await store.record(Array(all[index..<min(all.count, index + batch)]), now: now)
        }
        return Double(outcomes) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private static func outcome(_ number: Int, using generator: inout SeededGenerator) -> Outcome {
        var id = [UInt8](repeating: 0, count: 32)
        withUnsafeBytes(of: UInt32(number % targets).littleEndian) { id.replaceSubrange(0..<4, with: $0) }
        return Outcome(
            target: .endpoint(id),
            source: .probe,
            stage: Stage.allCases[number / targets % 5],
            success: Int.random(in: 0..<10, using: &generator) < 9,
            weight: 1,
            label: "benchmark",
            observedAt: now - Int64.random(in: 0..<3600, using: &generator)
        )
    }
}
