// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningGraph
import LightningPrimitives
import Testing

@Suite("Liquidity model")
struct LiquidityModelTests {
    private let day = 86_400.0

    /// A chain of channels of 5,000,000 sat between equals, node 0 to node 5, each with enough leaves to be a hub.
    private func view(sat: Int64 = 5_000_000) -> LiquidityView {
        var graph = ChannelGraph()
        for node in 0..<5 { graph.connect(node, node + 1, sat: sat) }
        let adjacency = Adjacency(graph)
        let facts = NodeFacts.all(of: graph, adjacency: adjacency, clock: gossipTime)
        let links = WeightedLinks.perPair(of: graph, clock: gossipTime)
        return LiquidityView(graph, facts: facts, links: links, ranks: PageRank.seeded(links, seeds: [0]).scores)
    }

    private func outcome(
        _ places: [HopPlace],
        sat: Int64,
        refusedAt: Int? = nil,
        settled: Bool = false,
        time: Double
    ) -> PathOutcome {
        let hops = places.enumerated().map { position, place in
            let end = refusedAt ?? places.count
            return PathOutcome.Hop(
                place: place,
                amountMsat: sat * 1000,
                result: position < end ? .carried : position == end ? .refused : .unknown
            )
        }
        return PathOutcome(hops: hops, isSettled: settled, time: time)
    }

    @Test("larger amounts are never more likely, and all probabilities lie in 0...1")
    func monotone() {
        let view = view()
        var model = LiquidityModel()
        model.observe(outcome([view.place(0)], sat: 100_000, time: day))
        model.observe(outcome([view.place(0)], sat: 2_000_000, refusedAt: 0, time: 2 * day))
        for direction in [Int32(0), 1, 2] {
            var last = 1.0
            for sat in stride(from: Int64(1000), through: 5_100_000, by: 50_000) {
                let probability = model.probability(of: view.place(direction), amountMsat: sat * 1000, time: 2.5 * day)
                #expect(probability >= 0 && probability <= last + 1e-12)
                last = probability
            }
            #expect(last == 0)
        }
    }

    @Test("a probe that went through raises, a refusal lowers, and both fade")
    func learning() {
        let view = view()
        let place = view.place(0)
        let before = LiquidityModel().probability(of: place, amountMsat: 1_000_000_000, time: day)
        var raised = LiquidityModel()
        raised.observe(outcome([place], sat: 1_000_000, time: day))
        var lowered = LiquidityModel()
        lowered.observe(outcome([place], sat: 1_000_000, refusedAt: 0, time: day))
        let (high, low) = (
            raised.probability(of: place, amountMsat: 1_000_000_000, time: day + 60),
            lowered.probability(of: place, amountMsat: 1_000_000_000, time: day + 60)
        )
        #expect(low < 0.4 * before)
        #expect(high > before + 0.1)
        let later = day + 200 * day
        #expect(lowered.probability(of: place, amountMsat: 1_000_000_000, time: later) > low + 0.1)
        #expect(raised.probability(of: place, amountMsat: 1_000_000_000, time: later) < high)
    }

    @Test("what one direction carries, the other cannot have")
    func bothDirections() {
        let view = view()
        var model = LiquidityModel()
        let back = model.probability(of: view.place(1), amountMsat: 2_000_000_000, time: day)
        model.observe(outcome([view.place(0)], sat: 4_000_000, time: day))
        #expect(model.probability(of: view.place(1), amountMsat: 2_000_000_000, time: day + 60) < 0.3 * back)
    }

    @Test("a settled payment has moved the money, a probe has not")
    func settling() {
        let view = view()
        let place = view.place(0)
        var probed = LiquidityModel()
        var paid = LiquidityModel()
        for number in 0..<4 {
            let time = day + Double(number)
            probed.observe(outcome([place], sat: 1_000_000, time: time))
            paid.observe(outcome([place], sat: 1_000_000, settled: true, time: time))
        }
        let time = day + 60
        let after = paid.probability(of: place, amountMsat: 1_000_000_000, time: time)
        #expect(after < probed.probability(of: place, amountMsat: 1_000_000_000, time: time) - 0.2)
        // Four of five million went over: they can come back.
        #expect(paid.probability(of: view.place(1), amountMsat: 3_900_000_000, time: time) > 0.8)
    }

    @Test(
        "a node that refuses everything, whatever the channel and the amount, is taken for dead, not its channels for empty"
    )
    func deadNode() {
        let view = view(sat: 500_000_000)
        var model = LiquidityModel()
        for number in 0..<12 {
            let place = view.place(number % 2 == 0 ? 2 : 5)
            model.observe(outcome([place], sat: 1000, refusedAt: 0, time: day + Double(number) * 3600))
        }
        // Node 2 is behind direction 2 (from 1) and direction 5 (from 3); node 4 is behind direction 6.
        let time = 2 * day
        #expect(model.probability(of: view.place(2), amountMsat: 1_000_000, time: time) < 0.3)
        #expect(model.probability(of: view.place(6), amountMsat: 1_000_000, time: time) > 0.5)
    }

    @Test("the assumption that fits is found: full ends and empty ends teach bimodal, the middle teaches uniform")
    func assumptions() {
        var generator = SeededGenerator(5)
        var small: [Double] = []
        for isUniform in [true, false] {
            var graph = ChannelGraph()
            for node in 0..<400 { graph.connect(node, node + 1, sat: 5_000_000) }
            let facts = NodeFacts.all(of: graph, adjacency: Adjacency(graph), clock: gossipTime)
            let links = WeightedLinks.perPair(of: graph, clock: gossipTime)
            let ranks = PageRank.seeded(links, seeds: []).scores
            let view = LiquidityView(graph, facts: facts, links: links, ranks: ranks)
            var model = LiquidityModel()
            for channel in 0..<399 {
                let share = Double.random(in: 0..<1, using: &generator)
                let balance = isUniform ? share * 5_000_000 : share < 0.5 ? 10_000 : 4_990_000
                let sat = Int64.random(in: 50_000...500_000, using: &generator)
                let refused = balance < Double(sat) ? 0 : nil
                let place = view.place(Int32(channel * 2))
                model.observe(outcome([place], sat: sat, refusedAt: refused, time: day + Double(channel)))
            }
            // The last channel was never tried.
            small.append(model.probability(of: view.place(798), amountMsat: 250_000_000, time: day + 400))
        }
        #expect(small[0] > 0.85)
        #expect(small[1] < 0.62)
    }

    @Test("the table for a sweep says what the model says of each direction")
    func table() {
        let view = view()
        var model = LiquidityModel()
        model.observe(outcome([view.place(0), view.place(2)], sat: 100_000, refusedAt: 1, time: day))
        let amounts = [MilliSatoshi.sat(1000), .sat(1_000_000), .sat(6_000_000)]
        let tables = model.probabilities(in: view, amounts: amounts, time: 2 * day)
        for (amount, table) in zip(amounts, tables) {
            #expect(table.amount == amount)
            for direction in table.values.indices {
                let one = model.probability(of: view.place(Int32(direction)), amountMsat: amount.msat, time: 2 * day)
                #expect(abs(table.values[direction] - one) < 1e-9)
            }
        }
    }

    @Test("a sweep takes the table's probabilities")
    func sweep() throws {
        let view = view()
        let sweep = PathSweep(view.graph, adjacency: Adjacency(view.graph))
        let table = HopProbabilities(amount: .sat(1000), values: [Double](repeating: 0.5, count: 10))
        let reach = sweep.paths(from: 0, probabilities: table)
        #expect(reach[3]?.probability == 0.125)
        #expect(sweep.tree(from: 0, probabilities: table).path(to: 3, in: view.graph) == [0, 2, 4])
        #expect(sweep.tree(from: 0, probabilities: table).path(to: 0, in: view.graph) == [])
    }

    @Test("what was learnt survives being written down, and is learnt again from the outcomes")
    func state() throws {
        let view = view()
        let outcomes = (0..<50).map { (number: Int) -> PathOutcome in
            let places = [view.place(0), view.place(2), view.place(4)]
            let refusal: Int? = number % 3 == 0 ? number % 2 : nil
            let (sat, time) = (Int64(10_000 * (number % 9 + 1)), day + Double(number) * 600)
            return outcome(places, sat: sat, refusedAt: refusal, settled: true, time: time)
        }
        let model = LiquidityModel(replaying: outcomes)
        let data = try JSONEncoder().encode(model.snapshot)
        let again = LiquidityModel(state: try JSONDecoder().decode(LiquidityModel.State.self, from: data))
        var other = LiquidityModel()
        for outcome in outcomes { other.observe(outcome) }
        let hops = [0, 2, 4, 6].map { (place: view.place($0), amountMsat: Int64(30_000_000)) }
        let expected = model.probability(of: hops, time: 3 * day)
        #expect(again.probability(of: hops, time: 3 * day) == expected)
        #expect(other.probability(of: hops, time: 3 * day) == expected)
        #expect(expected > 0 && expected < 1)
    }

    @Test("no sequence of outcomes, whatever its times and amounts, yields anything but probabilities")
    func robust() {
        let view = view()
        var generator = SeededGenerator(3)
        var model = LiquidityModel()
        for _ in 0..<2000 {
            let places = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                view.place(Int32.random(in: 0..<10, using: &generator))
            }
            let sat =
                [1, 5_000_000, 6_000_000, Int64.random(in: 1...5_000_000, using: &generator)]
                .randomElement(using: &generator) ?? 1
            let time = Double.random(in: 0...400, using: &generator) * day
            model.observe(
                outcome(
                    places,
                    sat: sat,
                    refusedAt: Int.random(in: -1...5, using: &generator),
                    settled: Bool.random(using: &generator),
                    time: time
                )
            )
            let hops = places.map { (place: $0, amountMsat: sat * 1000) }
            let probability = model.probability(of: hops, time: time)
            #expect(probability >= 0 && probability <= 1)
        }
    }
}
