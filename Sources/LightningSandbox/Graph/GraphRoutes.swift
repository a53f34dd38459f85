// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What a caller asks of a route.
struct RouteQuery: Sendable {
    let target: NodeID
    let msat: Int64
    /// `nil` starts at the sandbox's account.
    var source: NodeID?
    var feeLimitMsat: Int64 = .max
    var finalDelta = 80
    var ignoredNodes: Set<NodeID> = []
    /// LND gives a probability only then, and 1 otherwise.
    var usesMissionControl = false
}

extension GraphIndex {
    /// A route, with the chance LND's `apriori` estimator would give it.
    struct Found: Sendable {
        let route: Route
        let probability: Double
    }

    private struct Step {
        /// What must arrive at this node, in msat.
        var msat: Int64
        var cost: Int64
        var timeLock: Int
        /// The channel towards the target, and the node at its far end.
        var channel: Int
        var next: Int
    }

    /// Finds the route of the least cost by Dijkstra's algorithm, from the target back to the source.
    ///
    /// A hop costs its fee and a premium on its time lock, 15 parts in 10⁹ of the amount a block, as in LND.
    /// - Parameter account: the sandbox's node, a neighbour of the ``hub`` by a free channel.
    func route(_ query: RouteQuery, account: NodeID, hubChannel: UInt64) -> Found? {
        guard let target = vertexOf[query.target], let hub else { return nil }
        guard query.msat > 0, query.msat <= MilliSatoshi.supply.msat else { return nil }
        let startsAtAccount = query.source == nil || query.source == account
        guard let source = startsAtAccount ? hub : query.source.flatMap({ vertexOf[$0] }) else { return nil }
        guard let steps = search(query, from: source, to: target, isSourceFree: !startsAtAccount) else { return nil }
        var hops: [(channel: UInt64, capacity: Int64, node: Int, arriving: Int64, timeLock: Int)] = []
        if startsAtAccount, let first = steps[source] {
            hops.append((hubChannel, first.msat / 1000, source, first.msat, first.timeLock))
        }
        var node = source
        while node != target, let step = steps[node], let next = steps[step.next] {
            let channel = channels[step.channel]
            hops.append((channel.id, channel.capacitySat, step.next, next.msat, next.timeLock))
            node = step.next
        }
        guard !hops.isEmpty else { return nil }
        let height = NodeFacts.blockHeight
        let route = Route(
            hops: hops.indices.map { index in
                let after = index + 1 < hops.count ? hops[index + 1] : hops[index]
                return RouteHop(
                    channelID: hops[index].channel,
                    destination: vertices[hops[index].node].id.hex,
                    forwardMsat: after.arriving,
                    feeMsat: hops[index].arriving - after.arriving,
                    expiry: height + after.timeLock,
                    paymentAddress: nil
                )
            },
            totalTimeLock: height + (hops.first?.timeLock ?? 0)
        )
        let foreign = hops.dropFirst()
        let chance = foreign.reduce(startsAtAccount ? 0.95 : 1) { chance, hop in
            chance * Self.apriori(msat: hop.arriving, capacityMsat: hop.capacity * 1000)
        }
        return Found(route: route, probability: query.usesMissionControl ? chance : 1)
    }

    /// Searches from the target; a source that is the payer itself takes no fee.
    private func search(
        _ query: RouteQuery,
        from source: Int,
        to target: Int,
        isSourceFree: Bool
    ) -> [Int: Step]? {
        var steps = [
            target: Step(msat: query.msat, cost: 0, timeLock: query.finalDelta, channel: -1, next: target)
        ]
        var done: Set<Int> = []
        var queue = PriorityQueue()
        queue.push(cost: 0, node: target)
        while let node = queue.pop() {
            guard done.insert(node).inserted, let here = steps[node] else { continue }
            if node == source { return steps }
            for index in vertices[node].channels {
                let channel = channels[Int(index)]
                let from = channel.node1 == node ? channel.node2 : channel.node1
                let policy = channel.node1 == node ? channel.policy2 : channel.policy1
                guard !done.contains(from), let policy, !query.ignoredNodes.contains(vertices[from].id),
                    policy.admits(here.msat, capacitySat: channel.capacitySat)
                else { continue }
                let asked = from == source && isSourceFree ? 0 : policy.fee(here.msat)
                guard let fee = asked, fee <= MilliSatoshi.supply.msat - here.msat else { continue }
                let premium = here.msat / 1_000_000_000 * 15 * Int64(policy.timeLockDelta)
                let step = Step(
                    msat: here.msat + fee,
                    cost: here.cost + fee + premium + 1,
                    timeLock: here.timeLock + policy.timeLockDelta,
                    channel: Int(index),
                    next: node
                )
                guard step.msat - query.msat <= query.feeLimitMsat, step.cost < steps[from]?.cost ?? .max else {
                    continue
                }
                steps[from] = step
                queue.push(cost: step.cost, node: from)
            }
        }
        return nil
    }

    /// The chance of a hop nothing is known about: 0.6, less when the amount comes near the capacity.
    private static func apriori(msat: Int64, capacityMsat: Int64) -> Double {
        guard capacityMsat > 0 else { return 0.6 }
        guard msat <= capacityMsat else { return 0 }
        let fill = Double(msat) / Double(capacityMsat)
        return 0.6 * (1 - 0.5 / (1 + exp((0.9999 - fill) / 0.025)))
    }
}

extension GraphIndex.Policy {
    /// Whether an HTLC may pass.
    func admits(_ msat: Int64, capacitySat: Int64) -> Bool {
        !isDisabled && msat >= minMsat && (maxMsat == 0 || msat <= maxMsat)
            && (capacitySat == 0 || msat / 1000 <= capacitySat)
    }

    /// The fee for an amount that is passed on, in msat; `nil` when it is more than there is bitcoin.
    func fee(_ msat: Int64) -> Int64? {
        let (high, low) = msat.multipliedFullWidth(by: feeRate)
        // Below this the quotient fits; a fee above it could not be paid anyway.
        guard high >= 0, high < 1_000_000 / 2 else { return nil }
        let share = Int64(1_000_000).dividingFullWidth((high, low)).quotient
        let (fee, overflow) = feeBaseMsat.addingReportingOverflow(share)
        return !overflow && (0...MilliSatoshi.supply.msat).contains(fee) ? fee : nil
    }
}

/// Nodes by cost, the least first; a binary heap.
struct PriorityQueue {
    private var entries: [(cost: Int64, node: Int)] = []

    mutating func push(cost: Int64, node: Int) {
        entries.append((cost, node))
        var child = entries.count - 1
        while child > 0, entries[child].cost < entries[(child - 1) / 2].cost {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Int? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first.node }
        entries[0] = last
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < entries.count }
            guard let least = children.min(by: { entries[$0].cost < entries[$1].cost }),
                entries[least].cost < entries[parent].cost
            else { return first.node }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
