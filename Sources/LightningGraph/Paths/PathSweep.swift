// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One Dijkstra run that answers, for one amount, how every node of the graph is best paid from one node.
///
/// The cost of a hop is what LND weighs: its fee, 15 parts in 10^9 of the amount per block of time lock, and the price
/// of a failed attempt (100 sat and 0.1 % of the amount) times -ln P, P being the hop's probability under
/// ``BimodalLiquidity``. The source's own channels cost neither fee nor time lock.
/// Sources: LND `routing/pathfind.go` (`DefaultAttemptCost`, `DefaultAttemptCostPPM`, `RiskFactorBillionths`).
/// The probabilities may also come from elsewhere, such as ``LiquidityModel/probabilities(in:amounts:time:)``.
public struct PathSweep: Sendable {
    /// LND's `DefaultAttemptCost`, in msat.
    static let attemptCostMsat = 100_000.0
    /// LND's `DefaultAttemptCostPPM` of 1000 millionths.
    static let attemptCostShare = 0.001
    /// LND's `RiskFactorBillionths`.
    static let riskFactor = 15.0 / 1e9

    let graph: ChannelGraph
    let adjacency: Adjacency
    let liquidity: BimodalLiquidity

    public init(_ graph: ChannelGraph, adjacency: Adjacency, liquidity: BimodalLiquidity = BimodalLiquidity()) {
        self.graph = graph
        self.adjacency = adjacency
        self.liquidity = liquidity
    }

    /// What one direction of a channel takes for carrying the amount.
    private struct Toll {
        let cost: Double
        let feeMsat: Int64
        let probability: Double
    }

    /// The best known way to a node.
    private struct Label {
        var cost = Double.infinity
        var feeMsat: Int64 = 0
        var probability = 1.0
        var hops: Int32 = 0
        /// The direction the path arrives by.
        var arrival: Int32 = -1
        var isFinal = false
    }

    /// Finds the best path from `source` to every node.
    ///
    /// - Complexity: about 20 ms for mainnet.
    /// - Precondition: `source` is a node of the graph and `amount` is positive.
    public func paths(from source: Int, amount: MilliSatoshi) -> Reachability {
        let labels = labels(from: source, amount: amount, chances: BimodalChances(liquidity: liquidity, amount: amount))
        return Reachability(amount: amount, source: source, paths: labels.map(Self.path))
    }

    /// Finds the best path from `source` to every node, with probabilities from elsewhere.
    ///
    /// - Precondition: `source` is a node of the graph and `probabilities` has a value for each of its directions.
    public func paths(from source: Int, probabilities: HopProbabilities) -> Reachability {
        let labels = labels(from: source, amount: probabilities.amount, chances: probabilities)
        return Reachability(amount: probabilities.amount, source: source, paths: labels.map(Self.path))
    }

    /// The same as ``paths(from:probabilities:)``, saying which channels the paths take.
    public func tree(from source: Int, probabilities: HopProbabilities) -> PathTree {
        let labels = labels(from: source, amount: probabilities.amount, chances: probabilities)
        return PathTree(source: source, arrivals: labels.map { $0.isFinal ? $0.arrival : -1 })
    }

    /// Dijkstra's algorithm; generic so that each source of probabilities gets a loop of its own.
    private func labels(from source: Int, amount: MilliSatoshi, chances: some HopChances) -> [Label] {
        precondition(amount.msat > 0, "a payment has a positive amount")
        var labels = [Label](repeating: Label(), count: graph.nodes.count)
        var queue = CostQueue()
        labels[source].cost = 0
        queue.push(node: Int32(source), cost: 0)
        while let next = queue.pop() {
            let node = Int(next.node)
            guard !labels[node].isFinal else { continue }
            labels[node].isFinal = true
            let here = labels[node]
            for arc in adjacency[node] where !labels[Int(arc.target)].isFinal {
                guard let toll = toll(on: arc, amountMsat: amount.msat, isFirst: node == source, chances) else {
                    continue
                }
                let cost = here.cost + toll.cost
                guard cost < labels[Int(arc.target)].cost else { continue }
                let (fee, overflow) = here.feeMsat.addingReportingOverflow(toll.feeMsat)
                labels[Int(arc.target)] = Label(
                    cost: cost,
                    feeMsat: overflow ? .max : fee,
                    probability: here.probability * toll.probability,
                    hops: here.hops + 1,
                    arrival: arc.direction
                )
                queue.push(node: arc.target, cost: cost)
            }
        }
        return labels
    }

    private static func path(_ label: Label) -> Reachability.Path? {
        guard label.isFinal else { return nil }
        return Reachability.Path(
            hops: Int(label.hops),
            fee: MilliSatoshi(msat: label.feeMsat),
            probability: label.probability
        )
    }

    /// The toll of a direction, or `nil` when it cannot carry the amount at all.
    private func toll(
        on arc: Adjacency.Arc,
        amountMsat: Int64,
        isFirst: Bool,
        _ chances: some HopChances
    ) -> Toll? {
        let channel = graph.channels[arc.channel]
        guard let policy = channel.policy(direction: Int(arc.direction & 1)), policy.isKnown, !policy.isDisabled,
            amountMsat >= policy.minHTLCMsat,
            policy.maxHTLCMsat == 0 || amountMsat <= policy.maxHTLCMsat,
            amountMsat / 1000 <= channel.capacitySat
        else { return nil }
        let amount = Double(amountMsat)
        let probability = chances.probability(of: arc.direction, on: channel)
        guard probability > 0 else { return nil }
        let attempt = (Self.attemptCostMsat + Self.attemptCostShare * amount) * -log(probability)
        guard !isFirst else { return Toll(cost: attempt, feeMsat: 0, probability: probability) }
        let fee = policy.feeMsat(forAmountMsat: amountMsat)
        let risk = amount * Double(policy.timeLockDelta) * Self.riskFactor
        return Toll(cost: Double(fee) + risk + attempt, feeMsat: fee, probability: probability)
    }
}

/// Where the probabilities of a sweep come from.
private protocol HopChances {
    /// The probability that a direction of a channel carries the sweep's amount, 0 to 1.
    func probability(of direction: Int32, on channel: Channel) -> Double
}

/// Probabilities of channels of which nothing is known.
private struct BimodalChances: HopChances {
    let liquidity: BimodalLiquidity
    let amount: MilliSatoshi

    func probability(of direction: Int32, on channel: Channel) -> Double {
        liquidity.probability(amount: Double(amount.msat), capacity: Double(channel.capacitySat) * 1000)
    }
}

extension HopProbabilities: HopChances {
    fileprivate func probability(of direction: Int32, on channel: Channel) -> Double { values[Int(direction)] }
}
