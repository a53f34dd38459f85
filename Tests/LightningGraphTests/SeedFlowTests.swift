// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningGraph
import LightningPrimitives
import Testing

@Suite("Seed flow")
struct SeedFlowTests {
    private func flow(_ graph: ChannelGraph, seeds: [Int], to node: Int) -> Int64? {
        var flow = SeedFlow(graph, adjacency: Adjacency(graph), seeds: seeds, clock: gossipTime)
        return flow.flow(to: node)
    }

    @Test("a chain carries what its narrowest channel carries, half of it")
    func chain() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 4_000_000)
        graph.connect(1, 2, sat: 1_000_000)
        #expect(flow(graph, seeds: [0], to: 2) == 500_000)
        #expect(flow(graph, seeds: [0], to: 1) == 2_000_000)
        #expect(flow(graph, seeds: [], to: 2) == 0)
    }

    @Test("the largest HTLC bounds a direction; disabled, unknown and stale ones carry nothing")
    func directions() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 4_000_000, policy(max: 1_000_000_000), policy())
        #expect(flow(graph, seeds: [0], to: 1) == 500_000)
        #expect(flow(graph, seeds: [1], to: 0) == 2_000_000)
        for dead in [policy(disabled: true), policy(lastUpdate: gossipTime - 15 * 86_400), nil] {
            var graph = ChannelGraph()
            graph.connect(0, 1, sat: 4_000_000, dead, policy())
            #expect(flow(graph, seeds: [0], to: 1) == 0)
        }
    }

    @Test("a flow ends at ten bitcoin, and a seed receives from the other seeds only")
    func limits() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 50_000_000_000)
        #expect(flow(graph, seeds: [0], to: 1) == SeedFlow.limitSat)
        #expect(flow(graph, seeds: [0], to: 0) == 0)
        #expect(flow(graph, seeds: [0, 1], to: 0) == SeedFlow.limitSat)
    }

    @Test("flows of random graphs equal those of the plainest algorithm, one after the other")
    func random() {
        var generator = SeededGenerator(11)
        for _ in 0..<60 {
            var graph = ChannelGraph()
            for index in 0..<9 { _ = graph.intern(nodeID(index)) }
            for _ in 0..<Int.random(in: 5...22, using: &generator) {
                let (a, b) = (Int.random(in: 0..<9, using: &generator), Int.random(in: 0..<9, using: &generator))
                guard a != b else { continue }
                let back = Bool.random(using: &generator) ? policy() : policy(disabled: true)
                graph.connect(a, b, sat: Int64.random(in: 2...2000, using: &generator), policy(), back)
            }
            var flow = SeedFlow(graph, adjacency: Adjacency(graph), seeds: [0, 1], clock: gossipTime)
            for node in graph.nodes.indices {
                #expect(flow.flow(to: node) == plainFlow(graph, seeds: Set([0, 1]).subtracting([node]), to: node))
            }
        }
    }

    @Test("a search that may not look far says that it does not know, and knows what is near")
    func searchLimit() {
        var graph = ChannelGraph()
        for node in 0..<12 { graph.connect(node, node + 1, sat: 1_000_000) }
        var flow = SeedFlow(graph, adjacency: Adjacency(graph), seeds: [0], clock: gossipTime)
        #expect(flow.flow(to: 10, lookingAt: 5) == nil)
        #expect(flow.flow(to: 10, lookingAt: 12) == flow.flow(to: 10))
        #expect(flow.flow(to: 1, lookingAt: 5) == flow.flow(to: 1))
        #expect(flow.flow(to: 10) == 500_000)
    }

    /// Ford and Fulkerson's method with one unit-free augmentation after the other.
    private func plainFlow(_ graph: ChannelGraph, seeds: Set<Int>, to sink: Int) -> Int64 {
        let count = graph.nodes.count
        var residual = [[Int64]](repeating: [Int64](repeating: 0, count: count), count: count)
        for channel in graph.channels {
            let half = channel.capacitySat / 2
            if channel.policy1?.isDisabled == false { residual[Int(channel.node1)][Int(channel.node2)] += half }
            if channel.policy2?.isDisabled == false { residual[Int(channel.node2)][Int(channel.node1)] += half }
        }
        var total: Int64 = 0
        while true {
            var previous = [Int: Int]()
            var queue = Array(seeds)
            var seen = seeds
            while !queue.isEmpty, !seen.contains(sink) {
                let node = queue.removeFirst()
                for other in 0..<count where residual[node][other] > 0 && seen.insert(other).inserted {
                    previous[other] = node
                    queue.append(other)
                }
            }
            guard seen.contains(sink) else { return total }
            var path: [(Int, Int)] = []
            var node = sink
            while let before = previous[node] {
                path.append((before, node))
                node = before
            }
            let pushed = path.map { residual[$0.0][$0.1] }.min() ?? 0
            for (a, b) in path {
                residual[a][b] -= pushed
                residual[b][a] += pushed
            }
            total += pushed
        }
    }
}
