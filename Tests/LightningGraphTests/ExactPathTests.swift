// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningGraph
import LightningPrimitives
import Testing

@Suite("Exact paths")
struct ExactPathTests {
    private func exact(_ graph: ChannelGraph, to target: Int, sat: Int64) -> ExactPath? {
        PathSweep(graph, adjacency: Adjacency(graph))
            .exactPath(to: target, from: 0, amount: .sat(sat)) { _, _ in 1 }
    }

    @Test("fees are asked on fees, backwards from the receiver")
    func fees() throws {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 50_000_000, policy(base: 999_999))
        graph.connect(1, 2, sat: 50_000_000, policy(base: 1000, ppm: 10_000, delta: 40))
        graph.connect(2, 3, sat: 50_000_000, policy(base: 0, ppm: 20_000, delta: 100))
        let path = try #require(exact(graph, to: 3, sat: 100_000))
        #expect(path.hops.map(\.amount.msat) == [103_021_000, 102_000_000, 100_000_000])
        #expect(path.hops.map(\.fee.msat) == [1_021_000, 2_000_000, 0])
        #expect(path.hops.map(\.timeLockDelta) == [40, 100, 0])
        #expect(path.fee.msat == 3_021_000)
        #expect(path.timeLockDelta == 140)
        #expect(path.delivered == .sat(100_000))
    }

    @Test(
        "an inbound discount offsets the outbound fee of the same node and no more",
        arguments: [(-500, 500), (-1000, 0), (-9000, 0), (700, 1700)]
    )
    func inbound(_ base: Int64, _ fee: Int64) throws {
        var graph = ChannelGraph()
        var receiving = policy()
        receiving.inboundBaseFeeMsat = base
        graph.connect(0, 1, sat: 50_000_000, policy(), receiving)
        graph.connect(1, 2, sat: 50_000_000, policy(base: 1000, ppm: 0), receiving)
        let path = try #require(exact(graph, to: 2, sat: 100_000))
        // The receiver's own inbound fee is not paid.
        #expect(path.fee.msat == fee)
    }

    @Test("a proportional inbound discount is taken of what the node needs, its outbound fee included")
    func proportional() throws {
        var graph = ChannelGraph()
        var receiving = policy()
        receiving.inboundFeePPM = -1000
        graph.connect(0, 1, sat: 50_000_000, policy(), receiving)
        graph.connect(1, 2, sat: 50_000_000, policy(base: 0, ppm: 2000))
        let path = try #require(exact(graph, to: 2, sat: 1_000_000))
        // 2,000,000 out; 1,002,000,000 x -0.1 % = -1,002,000 in.
        #expect(path.fee.msat == 998_000)
    }

    @Test("limits hold for what a hop really carries, fees included")
    func limits() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 50_000_000, policy(max: 100_500_000))
        graph.connect(1, 2, sat: 50_000_000, policy(base: 500_001, ppm: 0))
        #expect(exact(graph, to: 2, sat: 100_000) == nil)
        #expect(exact(graph, to: 2, sat: 99_999) != nil)
    }

    @Test("there is no path to nobody, and none to oneself")
    func nowhere() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 1_000_000)
        graph.connect(2, 3, sat: 1_000_000)
        #expect(exact(graph, to: 3, sat: 1000) == nil)
        #expect(exact(graph, to: 0, sat: 1000) == nil)
    }

    @Test("absurd fees do not overflow")
    func absurd() {
        var graph = ChannelGraph()
        for hop in 0..<8 {
            var wild = policy(base: 4_294_967_295, ppm: 4_294_967_295)
            (wild.inboundBaseFeeMsat, wild.inboundFeePPM) = (2_147_483_647, 2_147_483_647)
            graph.connect(hop, hop + 1, sat: 2_100_000_000_000_000, wild, wild)
        }
        #expect(exact(graph, to: 8, sat: 1_000_000) == nil)
    }

    @Test("on random graphs no other path is cheaper by more than amounts can differ")
    func optimal() throws {
        var generator = SeededGenerator(11)
        var compared = 0
        for round in 0..<60 {
            var graph = ChannelGraph()
            for index in 0..<7 { _ = graph.intern(nodeID(index)) }
            for _ in 0..<13 {
                let (a, b) = (Int.random(in: 0..<7, using: &generator), Int.random(in: 0..<7, using: &generator))
                guard a != b else { continue }
                var sides = [policy(), policy()]
                for side in 0..<2 {
                    sides[side].baseFeeMsat = Int64.random(in: 0...5000, using: &generator)
                    // Without proportional fees amounts are the same on all ways and the search is exact.
                    sides[side].feePPM = round % 2 == 0 ? 0 : Int64.random(in: 0...3000, using: &generator)
                    sides[side].timeLockDelta = Int64.random(in: 10...200, using: &generator)
                    if round % 4 > 1 {
                        sides[side].inboundBaseFeeMsat = Int64.random(in: -3000...1000, using: &generator)
                    }
                }
                graph.connect(a, b, sat: Int64.random(in: 20_000...5_000_000, using: &generator), sides[0], sides[1])
            }
            let sweep = PathSweep(graph, adjacency: Adjacency(graph))
            for target in 1..<7 {
                let path = sweep.exactPath(to: target, from: 0, amount: .sat(10_000))
                let best = Exhaustive(graph: graph, target: target).cheapest(amountMsat: 10_000_000)
                #expect((path == nil) == (best == nil))
                guard let path, let best else { continue }
                let again = try #require(
                    Exhaustive(graph: graph, target: target).cost(path.hops.map(\.direction), 10_000_000)
                )
                #expect(abs(path.cost - again) < 1e-6)
                let slack = round % 4 == 0 ? 1e-6 : 0.02 * best + 4000
                #expect(path.cost >= best - 1e-6 && path.cost <= best + slack)
                compared += 1
            }
        }
        #expect(compared > 200)
    }

    /// All simple paths, each priced forwards hop by hop from its list of channels.
    private struct Exhaustive {
        let graph: ChannelGraph
        let target: Int

        func cheapest(amountMsat: Int64) -> Double? {
            var best: Double?
            var path: [Int32] = []
            var visited: Set<Int> = [0]
            func walk(_ node: Int) {
                if node == target {
                    if let cost = cost(path, amountMsat) { best = min(best ?? .infinity, cost) }
                    return
                }
                for (index, channel) in graph.channels.enumerated() {
                    for (side, ends) in [(channel.node1, channel.node2), (channel.node2, channel.node1)].enumerated() {
                        guard Int(ends.0) == node, visited.insert(Int(ends.1)).inserted else { continue }
                        path.append(Int32(index * 2 + side))
                        walk(Int(ends.1))
                        path.removeLast()
                        visited.remove(Int(ends.1))
                    }
                }
            }
            walk(0)
            return best
        }

        /// The price of a path, or `nil` when a hop cannot carry what it would have to.
        func cost(_ path: [Int32], _ amountMsat: Int64) -> Double? {
            var cost = 0.0
            var carried = amountMsat
            var outbound: Int64 = 0
            for (position, direction) in path.enumerated().reversed() {
                let channel = graph.channels[Int(direction >> 1)]
                guard let own = channel.policy(direction: Int(direction & 1)),
                    let other = channel.policy(direction: Int(direction & 1 ^ 1))
                else { return nil }
                var needed = carried + outbound
                if position < path.count - 1 {
                    let inbound = max(-outbound, other.inboundBaseFeeMsat)
                    cost += Double(inbound)
                    needed += inbound
                }
                guard needed / 1000 <= channel.capacitySat else { return nil }
                let chance = BimodalLiquidity().probability(
                    amount: Double(needed),
                    capacity: Double(channel.capacitySat) * 1000
                )
                guard chance > 0 else { return nil }
                cost += (100_000 + 0.001 * Double(needed)) * -log(chance)
                carried = needed
                outbound = position == 0 ? 0 : own.feeMsat(forAmountMsat: needed)
                if position > 0 { cost += Double(outbound) + Double(needed) * Double(own.timeLockDelta) * 15 / 1e9 }
            }
            return cost
        }
    }
}
