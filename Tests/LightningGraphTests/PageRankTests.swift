// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningGraph
import LightningPrimitives
import Testing

@Suite("PageRank")
struct PageRankTests {
    private struct Vector: Decodable {
        struct Edge: Decodable {
            let a: String
            let b: String
            let capacity_sats: Int64
        }
        struct Compat: Decodable {
            let iterations: Int
            let scores: [String: Double]
            let percentile_rank: [String: Int]
        }
        struct Seeded: Decodable { let scores: [String: Double] }
        let edges: [Edge]
        let compat: Compat
        let assay_v1: Seeded
    }

    private let names = ["A", "B", "C", "D", "E", "F"]

    private func load() throws -> (Vector, ChannelGraph) {
        let vector: Vector = try vector("pagerank_small")
        var graph = ChannelGraph()
        for index in names.indices { _ = graph.intern(nodeID(index)) }
        for edge in vector.edges {
            let ends = [edge.a, edge.b].compactMap(names.firstIndex)
            graph.connect(ends[0], ends[1], sat: edge.capacity_sats)
        }
        return (vector, graph)
    }

    @Test("the compatible ranking stops after the rounds SatRank needs, at the same values")
    func compatible() throws {
        let (vector, graph) = try load()
        let outcome = PageRank.compatible(.perChannel(of: graph))
        #expect(outcome.iterations == vector.compat.iterations)
        let percentiles = Percentile.compatible(outcome.scores)
        for (index, name) in names.enumerated() {
            #expect(abs(outcome.scores[index] - (try #require(vector.compat.scores[name]))) < 1e-12)
            #expect(percentiles[index] == vector.compat.percentile_rank[name])
        }
    }

    @Test("the seeded ranking converges to the published values")
    func seeded() throws {
        let (vector, graph) = try load()
        let links = WeightedLinks.perPair(of: graph, clock: graph.clock(now: gossipTime))
        let outcome = PageRank.seeded(links, seeds: [0, 1])
        for (index, name) in names.enumerated() {
            #expect(abs(outcome.scores[index] - (try #require(vector.assay_v1.scores[name]))) < 1e-10)
        }
    }

    @Test("splitting a channel into parallel ones changes no seeded rank")
    func splitting() {
        var whole = ChannelGraph()
        whole.connect(0, 1, sat: 4_000_000)
        whole.connect(1, 2, sat: 1_000_000)
        whole.connect(2, 0, sat: 500_000)
        var split = ChannelGraph()
        for _ in 0..<4 { split.connect(0, 1, sat: 1_000_000) }
        split.connect(1, 2, sat: 1_000_000)
        split.connect(2, 0, sat: 500_000)
        let scores = [whole, split].map {
            PageRank.seeded(.perPair(of: $0, clock: $0.clock(now: gossipTime)), seeds: [0]).scores
        }
        for (a, b) in zip(scores[0], scores[1]) { #expect(abs(a - b) < 1e-12) }
    }

    @Test("invented nodes behind one channel gain no more than that channel lets in")
    func sybil() {
        var graph = ChannelGraph()
        for index in 0..<20 { graph.connect(index, (index + 1) % 20, sat: 5_000_000) }
        let honest = PageRank.seeded(.perPair(of: graph, clock: gossipTime), seeds: [0, 5, 10])
        graph.connect(3, 100, sat: 20_000)
        for index in 101..<140 { graph.connect(100, index, sat: 1_000_000) }
        let attacked = PageRank.seeded(.perPair(of: graph, clock: gossipTime), seeds: [0, 5, 10])
        let inside = attacked.scores[20...].reduce(0, +)
        let inflow = attacked.scores[3] * 20_000.0.squareRoot() / (20_000.0.squareRoot() + 2 * 5_000_000.0.squareRoot())
        #expect(inside <= 0.85 * inflow / 0.15 + 1e-9)
        #expect(honest.scores.reduce(0, +) > 1 - 1e-9)
    }

    @Test("channels that are disabled both ways or stale carry no weight")
    func deadChannels() {
        let stale = policy(lastUpdate: gossipTime - 15 * 86_400)
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 1_000_000)
        graph.connect(0, 2, sat: 9_000_000, policy(disabled: true), policy(disabled: true, delta: 0))
        graph.connect(0, 3, sat: 9_000_000, stale, nil)
        let scores = PageRank.seeded(.perPair(of: graph, clock: graph.clock(now: gossipTime)), seeds: [0]).scores
        #expect(scores[1] > 0)
        #expect(scores[2] == 0 && scores[3] == 0)
    }

    @Test("mass of nodes without links returns to the seeds")
    func dangling() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 1_000_000)
        _ = graph.intern(nodeID(2))
        let scores = PageRank.seeded(.perPair(of: graph, clock: gossipTime), seeds: [0, 2]).scores
        #expect(abs(scores.reduce(0, +) - 1) < 1e-9)
        #expect(scores[2] > 0.15 / 2)
    }

    @Test("an empty graph and a single node have ranks too")
    func degenerate() {
        #expect(PageRank.compatible(.perChannel(of: ChannelGraph())).scores.isEmpty)
        #expect(PageRank.seeded(.perPair(of: ChannelGraph(), clock: 0), seeds: []).scores.isEmpty)
        #expect(Percentile.compatible([1]) == [50])
        #expect(Percentile.averaged([1]) == [50])
        #expect(Percentile.averaged([2, 1, 2, 3]) == [50, 0, 50, 100])
    }
}
