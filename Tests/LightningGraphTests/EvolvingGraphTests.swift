// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import Testing

@testable import LightningGraph

@Suite("Evolving graph")
struct EvolvingGraphTests {
    private static let now = gossipTime + 1000

    private func triangle() -> ChannelGraph {
        var graph = ChannelGraph()
        for (a, b) in [(3, 1), (2, 3), (1, 2)] {
            let (low, high) = (min(a, b), max(a, b))
            graph.connect(low, high, sat: 1_000_000)
        }
        return graph
    }

    private func change(
        _ block: UInt64,
        _ from: Int,
        _ to: Int,
        _ policy: ChannelPolicy?,
        sat: Int64 = 1_000_000
    ) -> GraphUpdate {
        let id = ShortChannelID(rawValue: block << 40)
        let change = GraphUpdate.PolicyChange(
            channel: id,
            from: nodeID(from),
            to: nodeID(to),
            capacitySat: sat,
            policy: policy
        )
        return GraphUpdate(policies: [change])
    }

    @Test("a newer policy replaces the direction's own, and an older or foreign one is ignored")
    func policies() throws {
        var live = EvolvingGraph(triangle())
        let newer = policy(base: 7, lastUpdate: gossipTime + 1)
        #expect(live.apply(change(700_000, 3, 1, newer), now: Self.now).applied == 1)
        #expect(live.apply(change(700_000, 3, 1, policy(base: 9)), now: Self.now).ignored == 1)
        #expect(live.apply(change(700_000, 3, 2, newer), now: Self.now).ignored == 1)
        #expect(live.apply(change(700_000, 3, 3, newer), now: Self.now).ignored == 1)
        let (graph, delta) = live.settle()
        let channel = try #require(graph.channel(ShortChannelID(rawValue: 700_000 << 40)))
        #expect(channel.policy2 == newer && channel.policy1 == policy())
        #expect(delta.policies.count == 1 && delta.nodes == [nodeID(1), nodeID(3)])
        #expect(delta.channels.isEmpty && delta.closed.isEmpty)
        #expect(!live.hasChanged)
    }

    @Test("a policy from the future does not stay for ever")
    func future() {
        var live = EvolvingGraph(triangle())
        let absurd = policy(base: 1, lastUpdate: Int64(UInt32.max))
        #expect(live.apply(change(700_000, 1, 3, absurd), now: Self.now).applied == 1)
        #expect(live.apply(change(700_000, 1, 3, policy(base: 2)), now: Self.now).applied == 1)
    }

    @Test("a channel comes with its first policy and goes when it is closed, with the nodes only it named")
    func structure() {
        var live = EvolvingGraph(triangle())
        #expect(live.apply(change(800_000, 3, 9, policy()), now: Self.now).applied == 1)
        var (graph, delta) = live.settle()
        #expect(graph.nodes.map(\.id) == [1, 2, 3, 9].map(nodeID) && graph.channels.count == 4)
        #expect(delta.channels.count == 1)
        let closing = GraphUpdate(closed: [ShortChannelID(rawValue: 800_000 << 40), ShortChannelID(rawValue: 5)])
        #expect(
            live.apply(closing, now: Self.now)
                == {
                    var o = EvolvingGraph.Outcome(); o.applied = 1; o.ignored = 1; return o
                }()
        )
        (graph, delta) = live.settle()
        #expect(graph.nodes.count == 3 && graph.channels.count == 3)
        #expect(delta.closed.count == 1 && delta.nodes == [nodeID(3), nodeID(9)])
    }

    @Test("changes one after the other are one change", arguments: 0..<20)
    func appending(seed: UInt64) {
        var random = SeededGenerator(seed)
        var live = EvolvingGraph(triangle())
        let before = Set(live.settle().graph.channels.map(\.id))
        var sum = GraphDelta()
        var graph = ChannelGraph()
        for step in 0..<30 {
            _ = live.apply(randomUpdate(&random, time: gossipTime + Int64(step)), now: Self.now)
            let settled = live.settle()
            graph = settled.graph
            sum.append(settled.delta)
        }
        let after = Set(graph.channels.map(\.id))
        #expect(sum.channels.isSuperset(of: after.subtracting(before)) && sum.channels.isSubset(of: after))
        #expect(sum.closed.isSuperset(of: before.subtracting(after)) && sum.closed.isDisjoint(with: after))
    }

    @Test("random updates end at the graph that reading the final answer gives", arguments: 0..<40)
    func sameAsResync(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        var live = EvolvingGraph(triangle())
        for step in 0..<200 {
            _ = live.apply(randomUpdate(&random, time: gossipTime + Int64(step)), now: Self.now)
            if random.next() % 10 == 0 { _ = live.settle() }
        }
        let graph = live.settle().graph
        // The same elements in a random order, through the reader.
        let edges = graph.channels.shuffled(using: &random).map { edge($0, graph) }
        var reader = GraphReader()
        try reader.consume(Array("{\"nodes\":[],\"edges\":[\(edges.joined(separator: ","))]}".utf8))
        let read = try reader.finish().ordered()
        #expect(read.channels == graph.channels)
        #expect(read.nodes.map(\.id) == graph.nodes.map(\.id))
        for (index, node) in graph.nodes.enumerated() { #expect(graph.index(of: node.id) == index) }
    }

    @Test("hostile lines never stop the graph nor break its order", arguments: 0..<30)
    func hostile(seed: UInt64) {
        var random = SeededGenerator(seed)
        var live = EvolvingGraph(triangle())
        for _ in 0..<100 {
            let line = hostileLine(&random)
            let update = GraphUpdate(line: Array(line.utf8))
            _ = live.apply(update, now: Self.now)
            for length in [0, line.utf8.count / 2, line.utf8.count - 1] {
                _ = live.apply(GraphUpdate(line: Array(line.utf8.prefix(length))), now: Self.now)
            }
            var flipped = Array(line.utf8)
            flipped[Int(random.next() % UInt64(flipped.count))] ^= UInt8(1 << (random.next() % 8))
            _ = live.apply(GraphUpdate(line: flipped), now: Self.now)
        }
        let graph = live.settle().graph
        #expect(Set(graph.channels.map(\.id)).count == graph.channels.count)
        #expect(graph.channels.map(\.id) == graph.channels.map(\.id).sorted())
        #expect(graph.nodes.map(\.id) == graph.nodes.map(\.id).sorted())
        for channel in graph.channels {
            #expect(channel.node1 < channel.node2 && Int(channel.node2) < graph.nodes.count)
            #expect((0...2_100_000_000_000_000).contains(channel.capacitySat))
            for case let policy? in [channel.policy1, channel.policy2] {
                #expect(policy.baseFeeMsat >= 0 && policy.feePPM >= 0 && policy.minHTLCMsat >= 0)
            }
        }
    }

    @Test("a line's good elements survive its bad ones")
    func mixed() {
        let good = """
            {"chan_id":"769658139443200","capacity":"5","routing_policy":{"time_lock_delta":9,"last_update":8},\
            "advertising_node":"\(nodeID(1).hex)","connecting_node":"\(nodeID(2).hex)"}
            """
        let update = GraphUpdate(
            line: Array(
                """
                {"result":{"node_updates":null,"channel_updates":[null,7,\(good),{}],"closed_chans":{"chan_id":"1"}}}
                """.utf8
            )
        )
        #expect(update.policies.count == 1 && update.badElements == 4)
        #expect(GraphUpdate(line: Array("nonsense".utf8)).badElements == 1)
        #expect(GraphUpdate(line: Array("{\"error\":{\"code\":2}}".utf8)).badElements == 1)
        #expect(GraphUpdate(line: Array(String(repeating: "[", count: 100_000).utf8)).badElements == 1)
    }

    /// Everything gossip may do, among ten nodes and as many channels.
    private func randomUpdate(_ random: inout SeededGenerator, time: Int64) -> GraphUpdate {
        func draw(_ count: UInt64) -> Int { Int(random.next() % count) }
        let block = UInt64(700_000 + draw(10))
        if draw(6) == 0 { return GraphUpdate(closed: [ShortChannelID(rawValue: block << 40)]) }
        // The ends follow from the number, as on the chain.
        let ends = [Int(block % 3) + 1, Int(block % 7) + 4]
        let (from, to) = draw(2) == 0 ? (ends[0], ends[1]) : (ends[1], ends[0])
        let fresh = policy(base: Int64(draw(5000)), disabled: draw(5) == 0, lastUpdate: time - Int64(draw(3)))
        return change(block, from, to, draw(20) == 0 ? nil : fresh)
    }

    private func edge(_ channel: Channel, _ graph: ChannelGraph) -> String {
        func text(_ policy: ChannelPolicy?) -> String {
            guard let policy else { return "null" }
            return """
                {"time_lock_delta":\(policy.timeLockDelta),"min_htlc":"\(policy.minHTLCMsat)",\
                "fee_base_msat":"\(policy.baseFeeMsat)","fee_rate_milli_msat":"\(policy.feePPM)",\
                "disabled":\(policy.isDisabled),"max_htlc_msat":"\(policy.maxHTLCMsat)","last_update":\(policy.lastUpdate)}
                """
        }
        return """
            {"channel_id":"\(channel.id.rawValue)","node1_pub":"\(graph.nodes[Int(channel.node1)].id.hex)",\
            "node2_pub":"\(graph.nodes[Int(channel.node2)].id.hex)","capacity":"\(channel.capacitySat)",\
            "node1_policy":\(text(channel.policy1)),"node2_policy":\(text(channel.policy2))}
            """
    }

    private func hostileLine(_ random: inout SeededGenerator) -> String {
        let values = [
            "null", "true", "-1", "1e999", "\"\"", "\"-5\"", "\"18446744073709551616\"", "\"9223372036854775807\"",
            "4294967296", "{}", "[]", "\"\\u0000\\ud800\"", "\"\(String(repeating: "x", count: 5000))\"", "0.5",
            "\"769658139443200\"", "\"770757651070976\"", "\"\(nodeID(1).hex)\"", "\"\(nodeID(3).hex)\"",
            "\"1000\"", "40", "false",
        ]
        func value() -> String { values[Int(random.next() % UInt64(values.count))] }
        func usually(_ text: String) -> String { random.next() % 4 == 0 ? value() : text }
        func id() -> String { usually("\"\(UInt64(700_000 + random.next() % 5) << 40)\"") }
        func node() -> String { usually("\"\(nodeID(Int(random.next() % 5)).hex)\"") }
        let policy = """
            {"time_lock_delta":\(usually("40")),"min_htlc":\(value()),"fee_base_msat":\(usually("\"1\"")),\
            "fee_rate_milli_msat":\(value()),"disabled":\(usually("false")),"max_htlc_msat":\(value()),\
            "last_update":\(usually("1770000001"))}
            """
        return """
            {"result":{"node_updates":[{"identity_key":\(node()),"alias":\(value())},\(value())],\
            "channel_updates":[{"chan_id":\(id()),"capacity":\(usually("\"5\"")),"routing_policy":\(usually(policy)),\
            "advertising_node":\(node()),"connecting_node":\(node())}],"closed_chans":\(usually("[{\"chan_id\":\(id())}]"))}}
            """
    }
}
