// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension PathSweep {
    /// Finds the best path to one node with exact amounts, fees and time locks.
    ///
    /// Dijkstra's algorithm backwards from the receiver, so that every hop is judged by what it really carries: the
    /// amount and the fees of all behind it. A node asks its outbound fee for the channel it sends over and adds the
    /// inbound fee of the channel it receives over; a discount on the latter goes no further than the former, so no hop
    /// costs less than nothing. The receiver takes no inbound fee and the sender no outbound fee. As in LND, a node is
    /// reached by one amount only, the one of its cheapest way: where fees depend on the amount, a path that is dearer
    /// by a hair can be left out.
    /// - Parameter probability: of a direction to carry an amount in msat, 0 to 1; ``BimodalLiquidity`` without knowledge
    ///   unless given.
    /// - Returns: `nil` when there is no path, and for the sender itself.
    /// - Complexity: about 30 ms for mainnet.
    /// - Precondition: both are nodes of the graph and `amount` is positive.
    public func exactPath(
        to target: Int,
        from source: Int,
        amount: MilliSatoshi,
        probability: ((_ direction: Int32, _ amountMsat: Int64) -> Double)? = nil
    ) -> ExactPath? {
        precondition(amount.msat > 0, "a payment has a positive amount")
        guard source != target else { return nil }
        var labels = [BackwardLabel](repeating: BackwardLabel(), count: graph.nodes.count)
        labels[target] = BackwardLabel(cost: 0, received: amount.msat)
        var queue = CostQueue()
        queue.push(node: Int32(target), cost: 0)
        while let next = queue.pop() {
            let node = Int(next.node)
            guard !labels[node].isFinal else { continue }
            labels[node].isFinal = true
            if node == source { break }
            let here = labels[node]
            for arc in adjacency[node] where !labels[Int(arc.target)].isFinal {
                let isFirst = Int(arc.target) == source
                guard
                    let label = step(
                        back: arc,
                        to: here,
                        at: node,
                        isExit: node == target,
                        isFirst: isFirst,
                        probability
                    ),
                    label.cost < labels[Int(arc.target)].cost
                else { continue }
                labels[Int(arc.target)] = label
                queue.push(node: arc.target, cost: label.cost)
            }
        }
        guard labels[source].isFinal else { return nil }
        return path(labels, from: source, to: target, amount: amount)
    }

    /// The best known way from a node to the receiver.
    private struct BackwardLabel {
        var cost = Double.infinity
        /// What the node needs for forwarding, its outbound fee included.
        var received: Int64 = 0
        var outboundFee: Int64 = 0
        var timeLockDelta: Int64 = 0
        /// The direction that leaves the node, what it carries, and how likely.
        var direction: Int32 = -1
        var carried: Int64 = 0
        var probability = 1.0
        var isFinal = false
    }

    /// Extends a way by the channel before it, or returns `nil` when that cannot carry the amount.
    ///
    /// - Parameter arc: leads from the node back to the one before it.
    private func step(
        back arc: Adjacency.Arc,
        to here: BackwardLabel,
        at node: Int,
        isExit: Bool,
        isFirst: Bool,
        _ probability: ((Int32, Int64) -> Double)?
    ) -> BackwardLabel? {
        let channel = graph.channels[arc.channel]
        let forward = arc.direction ^ 1
        guard let policy = channel.policy(direction: Int(forward & 1)), policy.isKnown, !policy.isDisabled else {
            return nil
        }
        let receiving = isExit ? nil : channel.policy(direction: Int(arc.direction & 1))
        let inbound = max(-here.outboundFee, receiving?.inboundFeeMsat(forAmountMsat: here.received) ?? 0)
        let (carried, overflow) = here.received.addingReportingOverflow(inbound)
        guard !overflow, carried >= policy.minHTLCMsat,
            policy.maxHTLCMsat == 0 || carried <= policy.maxHTLCMsat,
            carried / 1000 <= channel.capacitySat
        else { return nil }
        let chance = min(1, probability?(forward, carried) ?? defaultProbability(channel, carried))
        guard chance > 0 else { return nil }
        var label = BackwardLabel(direction: forward, carried: carried, probability: chance)
        let attempt = (Self.attemptCostMsat + Self.attemptCostShare * Double(carried)) * -log(chance)
        label.cost = here.cost + Double(inbound) + attempt
        label.received = carried
        guard !isFirst else { return label }
        label.outboundFee = policy.feeMsat(forAmountMsat: carried)
        label.timeLockDelta = policy.timeLockDelta
        let (received, tooMuch) = carried.addingReportingOverflow(label.outboundFee)
        guard !tooMuch, received <= MilliSatoshi.supply.msat else { return nil }
        label.received = received
        label.cost += Double(label.outboundFee) + Double(carried) * Double(policy.timeLockDelta) * Self.riskFactor
        return label
    }

    private func defaultProbability(_ channel: Channel, _ amountMsat: Int64) -> Double {
        liquidity.probability(amount: Double(amountMsat), capacity: Double(channel.capacitySat) * 1000)
    }

    private func path(_ labels: [BackwardLabel], from source: Int, to target: Int, amount: MilliSatoshi) -> ExactPath {
        var hops: [ExactPath.Hop] = []
        var node = source
        while node != target {
            let label = labels[node]
            let channel = graph.channels[Int(label.direction >> 1)]
            let next = Int(label.direction & 1 == 0 ? channel.node2 : channel.node1)
            let kept = label.carried - (next == target ? amount.msat : labels[next].carried)
            hops.append(
                ExactPath.Hop(
                    direction: label.direction,
                    node: Int32(next),
                    amount: MilliSatoshi(msat: label.carried),
                    fee: MilliSatoshi(msat: kept),
                    timeLockDelta: next == target ? 0 : labels[next].timeLockDelta,
                    probability: label.probability
                )
            )
            node = next
        }
        return ExactPath(hops: hops, delivered: amount, cost: labels[source].cost)
    }
}

extension ChannelPolicy {
    /// What the node that set the policy adds for an HTLC that it receives over this channel, in msat; negative is a
    /// discount.
    ///
    /// Source: LND, `InboundFee.CalcFee`; rounded towards zero. Saturates instead of overflowing.
    func inboundFeeMsat(forAmountMsat amountMsat: Int64) -> Int64 {
        guard inboundFeePPM != 0 || inboundBaseFeeMsat != 0 else { return 0 }
        let product = amountMsat.multipliedFullWidth(by: inboundFeePPM)
        // Amounts end at 2.1e18 msat and rates at 2^31 millionths: the quotient fits.
        guard product.high.magnitude < 250_000 else { return product.high < 0 ? .min / 2 : .max / 2 }
        return Int64(1_000_000).dividingFullWidth(product).quotient + inboundBaseFeeMsat
    }
}
