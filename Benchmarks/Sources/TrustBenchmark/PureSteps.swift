// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningGraph
import LightningPrimitives

/// The steps of a pass that are computed from the graph alone, one by one.
struct PureSteps {
    let graph: ChannelGraph
    let adjacency: Adjacency
    let clock: Int64
    let seeds: [Int]
    let source: Int

    init(_ graph: ChannelGraph) {
        self.graph = graph
        adjacency = Adjacency(graph)
        clock = graph.clock(now: 1_770_200_000)
        let facts = NodeFacts.all(of: graph, adjacency: adjacency, clock: clock)
        let ranked = facts.indices.sorted { facts[$0].liveCapacitySat > facts[$1].liveCapacitySat }
        seeds = Array(ranked.prefix(200))
        source = ranked[0]
    }

    func measure(_ figures: inout Figures) {
        figures.add("PageRank, seeded, to 1e-12", rank, "ms", atMost: 50)
        figures.add("paths for four amounts", sweep, "ms", atMost: 300)
        figures.add("flow from the seeds to every node", flow, "ms")
        figures.add("ordering", best { _ = graph.ordered() }, "ms")
        figures.add("adjacency and facts", facts, "ms")
    }

    var rank: Double {
        let links = WeightedLinks.perPair(of: graph, clock: clock)
        return best { _ = PageRank.seeded(links, seeds: seeds) }
    }

    var sweep: Double {
        let sweep = PathSweep(graph, adjacency: adjacency)
        return best {
            for tier in PathTier.all { _ = sweep.paths(from: source, amount: .sat(tier)) }
        }
    }

    var flow: Double {
        let largestFirst = largestFirst
        return best(rounds: 1) {
            var flow = SeedFlow(graph, adjacency: adjacency, seeds: seeds, clock: clock)
            // As a pass does it: the 2000 largest without a limit.
            for (rank, node) in largestFirst.enumerated() {
                _ = flow.flow(to: node, lookingAt: rank < 2000 ? .max : SeedFlow.searchLimit)
            }
        }
    }

    private var largestFirst: [Int] {
        let facts = NodeFacts.all(of: graph, adjacency: adjacency, clock: clock)
        return graph.nodes.indices.sorted { facts[$0].liveCapacitySat > facts[$1].liveCapacitySat }
    }

    var facts: Double {
        best {
            let adjacency = Adjacency(graph)
            _ = NodeFacts.all(of: graph, adjacency: adjacency, clock: clock)
        }
    }

    /// The least of several runs, in milliseconds.
    private func best(rounds: Int = 5, _ body: () -> Void) -> Double {
        (0..<rounds).map { _ in
            let start = ContinuousClock.now
            body()
            return milliseconds(ContinuousClock.now - start)
        }.min() ?? 0
    }
}

enum PathTier { static let all: [Int64] = [1000, 10_000, 100_000, 1_000_000] }

/// How the pure steps grow with the graph.
enum Growth {
    static func measure(_ base: ChannelGraph, _ figures: inout Figures) {
        var first: [String: Double] = [:]
        for factor in [1, 4, 16] {
            let steps = PureSteps(factor == 1 ? base : replicated(base, factor))
            let n = Double(steps.graph.channels.count)
            let times = [
                ("PageRank", steps.rank), ("paths", steps.sweep), ("facts", steps.facts), ("flow", steps.flow),
            ]
            for (name, time) in times {
                let perElement = time / (n * n.logarithm)
                let ratio = perElement / (first[name] ?? perElement)
                first[name] = first[name] ?? perElement
                figures.add("\(name), \(factor) x the graph", time, "ms")
                figures.add("  time/(n log n) beside that of 1 x", ratio, "")
            }
        }
    }

    /// Copies of the graph under other keys, joined by one channel from every hundredth node to its next copy.
    private static func replicated(_ base: ChannelGraph, _ factor: Int) -> ChannelGraph {
        var graph = ChannelGraph()
        var nextID: UInt64 = 900_000 << 40
        for copy in 0..<factor {
            let ids = base.nodes.map { key($0.id, copy) }
            for (index, node) in base.nodes.enumerated() {
                graph.add(GraphNode(id: ids[index], alias: node.alias, lastUpdate: node.lastUpdate))
            }
            for channel in base.channels {
                var moved = channel
                moved.id = ShortChannelID(rawValue: channel.id.rawValue &+ UInt64(copy) << 32)
                let (one, two) = (ids[Int(channel.node1)], ids[Int(channel.node2)])
                moved.node1 = graph.intern(one)
                moved.node2 = graph.intern(two)
                graph.add(moved)
            }
            guard copy > 0 else { continue }
            for index in stride(from: 0, to: base.nodes.count, by: 100) {
                guard var bridge = base.channels.first else { continue }
                nextID += 1 << 16
                bridge.id = ShortChannelID(rawValue: nextID)
                bridge.capacitySat = 5_000_000
                bridge.node1 = graph.intern(key(base.nodes[index].id, copy - 1))
                bridge.node2 = graph.intern(ids[index])
                graph.add(bridge)
            }
        }
        return graph.ordered()
    }

    private static func key(_ id: NodeID, _ copy: Int) -> NodeID {
        var bytes = id.bytes
        bytes[1] ^= UInt8(copy)
        return NodeID(bytes) ?? id
    }
}

extension Double {
    fileprivate var logarithm: Double {
        var (value, bits) = (self, 0.0)
        while value > 1 {
            value /= 2
            bits += 1
        }
        return bits
    }
}
