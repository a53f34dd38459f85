// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningGraph
import LightningPrimitives

extension FuzzTarget {
    /// A graph answer, then lines of the subscription after an empty line.
    static let graph = FuzzTarget(name: "Graph") { input in
        let parts = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let answer = Array(parts.first ?? [])
        let whole = read([answer])
        let half = answer.count / 2
        let pieces = read([Array(answer[..<half]), Array(answer[half...])])
        require(whole?.channels == pieces?.channels && whole?.nodes == pieces?.nodes, "pieces make the same graph")
        if let whole { check(whole) }
        var evolving = EvolvingGraph((whole ?? ChannelGraph()).ordered())
        for line in parts.dropFirst() {
            let outcome = evolving.apply(GraphUpdate(line: Array(line)), now: 1_770_000_000)
            require(outcome.applied >= 0 && outcome.ignored >= 0, "counts are counts")
        }
        let (settled, _) = evolving.settle()
        check(settled)
        require(settled.channels == settled.ordered().channels, "a graph that was changed is in order")
        require(evolving.settle().delta.isEmpty, "nothing is left when the changes were taken")
    }

    private static func read(_ pieces: [[UInt8]]) -> ChannelGraph? {
        var reader = GraphReader()
        do {
            for piece in pieces { try reader.consume(piece) }
            return try reader.finish()
        } catch {
            return nil
        }
    }

    private static func check(_ graph: ChannelGraph) {
        let nodes = Int32(graph.nodes.count)
        for channel in graph.channels {
            let (first, second) = (channel.node1, channel.node2)
            require(first >= 0 && second >= 0 && first < nodes && second < nodes, "channels have their nodes")
            require(graph.nodes[Int(first)].id < graph.nodes[Int(second)].id, "the smaller key comes first")
            require((0...2_100_000_000_000_000).contains(channel.capacitySat), "no channel holds more than there is")
        }
        let adjacency = Adjacency(graph)
        let facts = NodeFacts.all(of: graph, adjacency: adjacency, clock: graph.clock(now: 1_770_000_000))
        require(facts.allSatisfy { $0.capacitySat >= 0 }, "capacities do not overflow")
        guard nodes > 0 else { return }
        let reach = PathSweep(graph, adjacency: adjacency).paths(from: 0, amount: .sat(1000))
        for node in 0..<Int(nodes) {
            guard let path = reach[node] else { continue }
            require((0...1).contains(path.probability) && path.fee >= .zero, "a path has a probability and a price")
        }
    }
}
