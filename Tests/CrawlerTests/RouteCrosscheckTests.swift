// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Gzip
import LightningGraph
import LightningPrimitives
import Testing

@testable import Crawler

@Suite("Route cross-check")
struct RouteCrosscheckTests {
    private struct Scripted: RouteFinder {
        let answer: @Sendable (NodeID, MilliSatoshi) -> RouteFinding

        func find(from source: NodeID?, to target: NodeID, amount: MilliSatoshi, feeLimit: MilliSatoshi) async
            -> RouteFinding
        { answer(target, amount) }
    }

    private func check() throws -> RouteCrosscheck {
        var reader = GraphReader()
        let bytes = try GzipReader(path: snapshotPath("mainnet-2026-02-03-top100"))
        while let chunk = try bytes.next() { try reader.consume(chunk) }
        let graph = try reader.finish().ordered()
        return RouteCrosscheck(graph: graph, own: testNode(250), options: PassOptions())
    }

    private func run(_ answer: @escaping @Sendable (NodeID, MilliSatoshi) -> RouteFinding) async throws
        -> RouteCrosscheck.Outcome
    {
        var random = SystemRandomNumberGenerator()
        return try await check().run(Scripted(answer: answer), using: &random, now: 1_770_200_000)
    }

    @Test("fifty targets are asked about, and every difference is named")
    func differences() async throws {
        let yes = try await run { _, _ in .found }
        let no = try await run { _, _ in .none }
        #expect(yes.asked == 50 && yes.determinate == 50 && yes.differences.count == 50 - yes.agreed)
        // In the middle of the network nearly everybody can be paid.
        #expect((yes.ratio ?? 0) > 0.9 && (no.ratio ?? 1) < 0.1)
        #expect(no.differences.allSatisfy { $0.ours == .found && $0.theirs == .none })
    }

    @Test("answers from which nothing follows do not count, and too few make no ratio")
    func unknown() async throws {
        let outcome = try await run { _, _ in .unknown }
        #expect(outcome.asked == 50 && outcome.determinate == 0 && outcome.ratio == nil)
    }
}
