// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage
import Testing

@Suite("What answering costs")
struct AllocationTests {
    private struct Report: Decodable {
        let trees: [String: [UInt64]]
        let lone: [UInt64]
        let bursts: [UInt64]
    }

    private static func report() async throws -> Report {
        let products = try #require(CommandLine.arguments.first).split(separator: "/").dropLast()
        let result = try await Subprocess.run(
            .path(FilePath("/\(products.joined(separator: "/"))/AllocationProbe")),
            output: .string(limit: 65_536),
            error: .discarded
        )
        let text = result.standardOutput
        return try JSONDecoder().decode(Report.self, from: Data(text.utf8))
    }

    @Test("a request more in a batch allocates nothing and takes no lock, in any version that has batches")
    func requestsAreFree() async throws {
        let report = try await Self.report()
        #expect(report.trees.count == 14)
        for (version, counts) in report.trees where version != "draft-01" && version != "draft-02" {
            try #require(counts.count == 4)
            #expect(counts[2] <= counts[0], "\(version): allocations for 256 requests beside those for one")
            #expect(counts[3] <= counts[1], "\(version): locks for 256 requests beside those for one")
        }
        // Those two have a signature for every request, and nothing else.
        for version in ["draft-01", "draft-02"] {
            let counts = try #require(report.trees[version])
            #expect(counts[2] <= 256 * counts[0])
        }
        // What one signature costs is all that a lone request costs, also with sockets, metrics and the clock.
        let signature = try #require(report.trees["1"])[0]
        #expect(report.lone[0] == 200)
        #expect(report.lone[1] > 0, "the worker's thread was not found")
        #expect(report.lone[1] <= 200 * signature, "\(report.lone) beside \(signature) for a signature")
        #expect(report.lone[2] == 0)
        #expect(report.bursts[0] == 200 * 64)
        #expect(report.bursts[1] < report.bursts[0] * max(signature, 1) / 4, "\(report.bursts)")
        #expect(report.bursts[2] == 0)
    }
}
