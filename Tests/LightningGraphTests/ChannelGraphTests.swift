// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningGraph
import LightningPrimitives
import Testing

@Suite("Channel graph")
struct ChannelGraphTests {
    @Test("fees round down and never overflow")
    func fees() {
        #expect(policy(base: 1000, ppm: 100).feeMsat(forAmountMsat: 1_000_000) == 1100)
        #expect(policy(base: 0, ppm: 1).feeMsat(forAmountMsat: 999_999) == 0)
        #expect(policy(base: 0, ppm: 4_294_967_295).feeMsat(forAmountMsat: 1_000_000_000) == 4_294_967_295_000)
        #expect(policy(base: 4_294_967_295, ppm: 4_294_967_295).feeMsat(forAmountMsat: .max) == .max)
    }

    @Test("a disabled direction with zero time lock is unknown, not free")
    func unknown() {
        #expect(!policy(disabled: true, delta: 0).isKnown)
        #expect(policy(disabled: true, delta: 40).isKnown)
        #expect(policy(disabled: false, delta: 0).isKnown)
    }

    @Test("the clock is the newest gossip, but never the future")
    func clock() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 1, policy(lastUpdate: 100), policy(lastUpdate: 900))
        graph.add(GraphNode(id: nodeID(0), lastUpdate: 300))
        #expect(graph.clock(now: 2000) == 900)
        #expect(graph.clock(now: 500) == 300)
    }

    @Test("facts count channels, peers and own disabled directions")
    func facts() {
        var graph = ChannelGraph()
        graph.connect(0, 1, sat: 100)
        graph.connect(0, 1, sat: 200, policy(disabled: true), policy())
        graph.connect(0, 2, sat: 400, nil, policy(disabled: true))
        _ = graph.intern(nodeID(9))
        let facts = NodeFacts.all(of: graph, adjacency: Adjacency(graph), clock: gossipTime)
        #expect(facts[0].channels == 3 && facts[0].peers == 2 && facts[0].disabled == 1)
        #expect(facts[0].capacitySat == 700 && facts[0].enabledCapacitySat == 100 && facts[0].liveCapacitySat == 300)
        #expect(facts[0].oldestBlock == 700_000 && facts[2].oldestLiveBlock == 0)
        #expect(facts[3] == NodeFacts())
    }

    @Test("of two announcements the newer one stays")
    func announcements() {
        var graph = ChannelGraph()
        graph.add(GraphNode(id: nodeID(1), alias: "new", lastUpdate: 5))
        graph.add(GraphNode(id: nodeID(1), alias: "old", lastUpdate: 4))
        #expect(graph.nodes.map(\.alias) == ["new"])
    }
}
