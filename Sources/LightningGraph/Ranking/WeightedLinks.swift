// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Undirected weighted links between nodes in compressed sparse row form, what PageRank walks on.
public struct WeightedLinks: Sendable {
    let offsets: [Int32]
    let targets: [Int32]
    let weights: [Double]
    /// Sum of the weights at each node; zero for one without links.
    let totals: [Double]

    var nodeCount: Int { totals.count }

    /// One undirected link.
    struct Link {
        let a: Int32
        let b: Int32
        let weight: Double
    }

    init(nodeCount: Int, links: [Link]) {
        var counts = [Int32](repeating: 0, count: nodeCount + 1)
        for link in links {
            counts[Int(link.a) + 1] += 1
            counts[Int(link.b) + 1] += 1
        }
        for index in 1..<max(1, counts.count) { counts[index] += counts[index - 1] }
        offsets = counts
        var targets = [Int32](repeating: 0, count: links.count * 2)
        var weights = [Double](repeating: 0, count: links.count * 2)
        var totals = [Double](repeating: 0, count: nodeCount)
        for link in links {
            for (from, to) in [(link.a, link.b), (link.b, link.a)] {
                let slot = Int(counts[Int(from)])
                targets[slot] = to
                weights[slot] = link.weight
                totals[Int(from)] += link.weight
                counts[Int(from)] += 1
            }
        }
        self.targets = targets
        self.weights = weights
        self.totals = totals
    }

    /// One link per channel, weighing ln(capacity + 1): what SatRank walks on.
    public static func perChannel(of graph: ChannelGraph) -> WeightedLinks {
        WeightedLinks(
            nodeCount: graph.nodes.count,
            links: graph.channels.map {
                Link(a: $0.node1, b: $0.node2, weight: log(Double($0.capacitySat) + 1))
            }
        )
    }

    /// One link per pair of nodes, weighing the square root of their live capacity in sat.
    ///
    /// Splitting a channel into many therefore gains nothing. Channels that are disabled both ways, or that neither end
    /// confirmed within two weeks, carry no weight.
    /// - Parameter clock: see ``ChannelGraph/clock(now:)``.
    public static func perPair(of graph: ChannelGraph, clock: Int64) -> WeightedLinks {
        let oldest = clock - ChannelGraph.policyLifetimeSeconds
        var ends = graph.channels.filter { $0.isLive(since: oldest) && $0.capacitySat > 0 }.map {
            (pair: UInt64(min($0.node1, $0.node2)) << 32 | UInt64(max($0.node1, $0.node2)), sat: $0.capacitySat)
        }
        ends.sort { $0.pair < $1.pair }
        var links: [Link] = []
        var index = 0
        while index < ends.count {
            let pair = ends[index].pair
            var sum = 0.0
            while index < ends.count, ends[index].pair == pair {
                sum += Double(ends[index].sat)
                index += 1
            }
            links.append(Link(a: Int32(pair >> 32), b: Int32(pair & 0xFFFF_FFFF), weight: sum.squareRoot()))
        }
        return WeightedLinks(nodeCount: graph.nodes.count, links: links)
    }
}
