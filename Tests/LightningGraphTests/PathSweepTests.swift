// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningGraph
import LightningPrimitives
import Testing

@Suite("Path sweep")
struct PathSweepTests {
    private func sweep(_ graph: ChannelGraph, sat: Int64, from source: Int = 0) -> Reachability {
        PathSweep(graph, adjacency: Adjacency(graph)).paths(from: source, amount: .sat(sat))
    }

    @Test("the source pays no fee on its own channel, and everybody else's")
    func fees() throws {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 5_000_000, policy(base: 9_000_000))
        graph.connect(1, 2, sat: 5_000_000, policy(base: 1000, ppm: 100))
        graph.connect(2, 3, sat: 5_000_000, policy(base: 0, ppm: 500))
        let reach = sweep(graph, sat: 10_000)
        let path = try #require(reach[3])
        #expect(path.hops == 3)
        #expect(path.fee.msat == 1000 + 1000 + 5000)
        let hop = BimodalLiquidity().probability(amount: 10_000_000, capacity: 5_000_000_000)
        #expect(abs(path.probability - hop * hop * hop) < 1e-12)
        #expect(reach[0]?.hops == 0)
    }

    @Test(
        "a direction that cannot carry the amount is not used",
        arguments: [
            policy(disabled: true), policy(disabled: true, delta: 0), policy(min: 10_000_001), policy(max: 9_999_999),
            nil,
        ]
    )
    func unusable(_ bad: ChannelPolicy?) {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 5_000_000, bad, policy())
        #expect(sweep(graph, sat: 10_000)[1] == nil)
        #expect(sweep(graph, sat: 10_000, from: 1)[0] != nil)
    }

    @Test("a channel smaller than the amount is not used")
    func capacity() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 9999)
        #expect(sweep(graph, sat: 10_000)[1] == nil)
        #expect(sweep(graph, sat: 1000)[1] != nil)
    }

    @Test("an absurd fee prices itself out when there is another way, and is carried when there is none")
    func absurdFee() throws {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 50_000_000)
        graph.connect(1, 3, sat: 50_000_000, policy(base: 4_294_967_295, ppm: 4_294_967_295))
        let only = try #require(sweep(graph, sat: 1_000_000)[2])
        #expect(only.fee.msat == 4_294_967_295 + 4_294_967_295_000)
        graph.connect(1, 2, sat: 50_000_000)
        graph.connect(2, 3, sat: 50_000_000)
        let cheap = try #require(sweep(graph, sat: 1_000_000)[2])
        #expect(cheap.hops == 3)
    }

    @Test("no other path of a random graph costs less")
    func optimal() throws {
        var generator = SeededGenerator(7)
        for _ in 0..<30 {
            var graph = ChannelGraph()
            for index in 0..<8 { _ = graph.intern(nodeID(index)) }
            for _ in 0..<14 {
                let (a, b) = (Int.random(in: 0..<8, using: &generator), Int.random(in: 0..<8, using: &generator))
                guard a != b else { continue }
                let random = policy(
                    base: Int64.random(in: 0...5000, using: &generator),
                    ppm: Int64.random(in: 0...3000, using: &generator)
                )
                graph.connect(a, b, sat: Int64.random(in: 5000...5_000_000, using: &generator), random, random)
            }
            let reach = sweep(graph, sat: 10_000)
            let costs = exhaustiveCosts(graph, amountMsat: 10_000_000)
            for node in 0..<8 {
                let path = reach[node]
                #expect((path != nil) == costs[node].isFinite)
                guard let path else { continue }
                // The hops' risk term is the same for all: 80 blocks after the first hop.
                let risk = Double(max(0, path.hops - 1)) * 10_000_000 * 80 * 15 / 1e9
                let cost = Double(path.fee.msat) + risk - 110_000 * log(path.probability)
                #expect(abs(cost - costs[node]) < 1e-3)
            }
        }
    }

    /// The cheapest costs by Bellman and Ford's method, for comparison.
    private func exhaustiveCosts(_ graph: ChannelGraph, amountMsat: Int64) -> [Double] {
        var costs = [Double](repeating: .infinity, count: graph.nodes.count)
        costs[0] = 0
        for _ in graph.nodes {
            for channel in graph.channels where channel.capacitySat * 1000 >= amountMsat {
                for (from, to, policy) in [
                    (channel.node1, channel.node2, channel.policy1), (channel.node2, channel.node1, channel.policy2),
                ] {
                    guard let policy else { continue }
                    let probability = BimodalLiquidity().probability(
                        amount: Double(amountMsat),
                        capacity: Double(channel.capacitySat) * 1000
                    )
                    guard probability > 0 else { continue }
                    var cost = -110_000 * log(probability)
                    if from != 0 {
                        cost += Double(policy.feeMsat(forAmountMsat: amountMsat)) + Double(amountMsat) * 80 * 15 / 1e9
                    }
                    costs[Int(to)] = min(costs[Int(to)], costs[Int(from)] + cost)
                }
            }
        }
        return costs
    }
}
