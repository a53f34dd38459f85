// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// PageRank over undirected weighted links: how much of a random walk a node sees.
public enum PageRank {
    /// The share of steps that follow a link; the rest jumps to the teleport set.
    static let damping = 0.85

    /// A finished computation.
    public struct Outcome: Sendable {
        /// One value per node, summing to 1 unless mass leaked from nodes without links.
        public let scores: [Double]
        /// Rounds needed.
        public let iterations: Int
    }

    /// SatRank's ranking, flaws included, so that both can be compared.
    ///
    /// Uniform teleport, at most 50 rounds, stops when no single value moves by 0.0001: on a large graph that is after
    /// about four rounds, because the starting value is below the tolerance already.
    public static func compatible(_ links: WeightedLinks) -> Outcome {
        let count = links.nodeCount
        guard count > 0 else { return Outcome(scores: [], iterations: 0) }
        var rank = [Double](repeating: 1 / Double(count), count: count)
        let teleport = [Double](repeating: (1 - damping) / Double(count), count: count)
        for iteration in 1...50 {
            let next = step(links, rank, teleport: teleport, danglingTo: nil)
            let change = zip(rank, next).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
            rank = next
            if change < 0.0001 { return Outcome(scores: rank, iterations: iteration) }
        }
        return Outcome(scores: rank, iterations: 50)
    }

    /// Our ranking: the walk restarts only at nodes there is a reason to trust.
    ///
    /// A region of invented nodes gets no mass but what flows in over channels with honest nodes, and those cost
    /// capacity. Mass of nodes without links returns to the seeds. Stops when the values together move by less than
    /// 1e-12, or after 200 rounds.
    /// - Parameter seeds: node indexes, none twice; all nodes when empty.
    public static func seeded(_ links: WeightedLinks, seeds: [Int]) -> Outcome {
        let count = links.nodeCount
        guard count > 0 else { return Outcome(scores: [], iterations: 0) }
        let targets = seeds.isEmpty ? Array(0..<count) : seeds
        var share = [Double](repeating: 0, count: count)
        for seed in targets { share[seed] = 1 / Double(targets.count) }
        let teleport = share.map { $0 * (1 - damping) }
        var rank = share
        for iteration in 1...200 {
            let next = step(links, rank, teleport: teleport, danglingTo: share)
            let change = zip(rank, next).reduce(0) { $0 + ($1.0 - $1.1).magnitude }
            rank = next
            if change < 1e-12 { return Outcome(scores: rank, iterations: iteration) }
        }
        return Outcome(scores: rank, iterations: 200)
    }

    /// One round in pull form: every node adds up what its neighbours send.
    private static func step(
        _ links: WeightedLinks,
        _ rank: [Double],
        teleport: [Double],
        danglingTo share: [Double]?
    ) -> [Double] {
        var perWeight = rank
        var dangling = 0.0
        for node in rank.indices {
            if links.totals[node] > 0 {
                perWeight[node] /= links.totals[node]
            } else {
                dangling += rank[node]
                perWeight[node] = 0
            }
        }
        var next = teleport
        for node in next.indices {
            var sum = 0.0
            for slot in Int(links.offsets[node])..<Int(links.offsets[node + 1]) {
                sum += links.weights[slot] * perWeight[Int(links.targets[slot])]
            }
            next[node] += damping * sum
            if let share { next[node] += damping * dangling * share[node] }
        }
        return next
    }
}
