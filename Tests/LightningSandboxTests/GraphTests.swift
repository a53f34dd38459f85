// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import Testing

@testable import LightningSandbox

@Suite("The graph of the sandbox")
struct GraphTests {
    private static let keys = (1...5).map { String(repeating: "0", count: 64) + "0\($0)" }.map {
        "02" + $0.dropFirst(2)
    }

    /// Four nodes: 1 - 2 - 3 by two channels, 1 - 3 directly but dear, and 4 behind a disabled channel.
    private static var document: JSON {
        let nodes = keys.prefix(4).map { key -> JSON in
            ["last_update": 1, "pub_key": .string(key), "alias": "a \"quoted\" {name} \\", "addresses": []]
        }
        return [
            "nodes": .array(nodes),
            "edges": [
                edge(1, 0, 1, capacity: 9_000_000, feeBase: 1000, feeRate: 100),
                edge(2, 1, 2, capacity: 5_000_000, feeBase: 2000, feeRate: 100),
                edge(3, 0, 2, capacity: 8_000_000, feeBase: 900_000, feeRate: 0),
                edge(4, 0, 3, capacity: 1_000_000, feeBase: 0, feeRate: 0, isDisabled: true),
                edge(5, 2, 4, capacity: 1_000, feeBase: 0, feeRate: 0, isKnown: false),
            ],
        ]
    }

    private static func edge(
        _ id: Int,
        _ one: Int,
        _ two: Int,
        capacity: Int,
        feeBase: Int,
        feeRate: Int,
        isDisabled: Bool = false,
        isKnown: Bool = true
    ) -> JSON {
        let policy: JSON = [
            "time_lock_delta": 40, "min_htlc": "1000", "fee_base_msat": .text(feeBase),
            "fee_rate_milli_msat": .text(feeRate), "disabled": .bool(isDisabled), "max_htlc_msat": "0",
        ]
        return [
            "channel_id": .text(id), "node1_pub": .string(keys[one]), "node2_pub": .string(keys[two]),
            "capacity": .text(capacity), "node1_policy": isKnown ? policy : .null,
            "node2_policy": isKnown ? policy : .null,
        ]
    }

    private func index() throws -> GraphIndex {
        var index = GraphIndex()
        var splitter = RecordSplitter()
        splitter.take(Self.document.utf8) { list, record, offset in
            let place = GraphIndex.Place(offset: offset, length: UInt32(record.count))
            index.take(list, record, at: place)
        }
        index.finish()
        return index
    }

    @Test("a document is cut into the same records however it comes in pieces", arguments: [1, 2, 3, 7, 64, 10_000])
    func splitting(size: Int) throws {
        let bytes = Self.document.utf8
        var splitter = RecordSplitter()
        var count = [0, 0]
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            splitter.take(piece) { list, record, offset in
                count[list == .nodes ? 0 : 1] += 1
                #expect(Array(bytes[Int(offset)..<Int(offset) + record.count]) == record)
                #expect((try? JSONDecoder().decode(JSONNode.self, from: Data(record))) != nil)
            }
        }
        #expect(count == [4, 5])
    }

    @Test("the cheapest route is taken, and every hop but the last is paid for")
    func cheapest() throws {
        let index = try index()
        let target = try #require(NodeID(hex: Self.keys[2]))
        let source = try #require(NodeID(hex: Self.keys[0]))
        var query = RouteQuery(target: target, msat: 1_000_000)
        query.source = source
        let account = try #require(NodeID(hex: Self.keys[4]))
        let direct = try #require(index.route(query, account: account, hubChannel: 99))
        // The source takes no fee, so its dear channel costs nothing.
        #expect(direct.route.hops.map(\.channelID) == [3])
        #expect(direct.route.hops.map(\.feeMsat) == [0])
        query.source = nil
        let found = try #require(index.route(query, account: account, hubChannel: 99))
        #expect(found.route.hops.map(\.channelID) == [99, 1, 2])
        // Node 2 takes 2000 + 100 ppm of 1,000,000; node 1 takes 1000 + 100 ppm of 1,002,100.
        #expect(found.route.hops.map(\.feeMsat) == [1100, 2100, 0])
        #expect(found.route.hops.map(\.forwardMsat) == [1_002_100, 1_000_000, 1_000_000])
        #expect(found.route.hops.map(\.expiry) == [536, 496, 496])
        #expect(found.route.totalTimeLock == 576)
    }

    @Test("no route leads over disabled or unknown policies, too small channels, ignored nodes, or past the fee limit")
    func impossible() throws {
        let index = try index()
        let account = try #require(NodeID(hex: Self.keys[1]))
        let third = try #require(NodeID(hex: Self.keys[2]))
        func isPossible(_ key: Int, _ change: (inout RouteQuery) -> Void = { _ in }) throws -> Bool {
            var query = RouteQuery(target: try #require(NodeID(hex: Self.keys[key])), msat: 1_000_000)
            change(&query)
            return index.route(query, account: account, hubChannel: 99) != nil
        }
        #expect(try isPossible(2))
        #expect(try !isPossible(3))
        #expect(try !isPossible(4))
        #expect(try !isPossible(2) { $0 = RouteQuery(target: third, msat: 9_000_000_001) })
        #expect(try !isPossible(2) { $0.feeLimitMsat = 3199 })
        #expect(try isPossible(2) { $0.feeLimitMsat = 3200 })
        let second = try #require(NodeID(hex: Self.keys[1]))
        #expect(
            try !isPossible(2) { query in
                query.ignoredNodes = [second]
                query.feeLimitMsat = 800_000
            }
        )
    }

    @Test("amounts, fees and time locks of any size never overflow", arguments: [1, 1_000_000, .max] as [Int64])
    func extremes(number: Int64) throws {
        let policy: JSON = [
            "time_lock_delta": .integer(Int(number)), "min_htlc": "0", "fee_base_msat": .text(number),
            "fee_rate_milli_msat": .text(number), "disabled": false, "max_htlc_msat": "0",
        ]
        var index = GraphIndex()
        for (id, ends) in [(0, 1), (1, 2), (2, 3)].enumerated() {
            let edge: JSON = [
                "channel_id": .text(id + 1), "node1_pub": .string(Self.keys[ends.0]),
                "node2_pub": .string(Self.keys[ends.1]), "capacity": .text(id == 0 ? number : 0),
                "node1_policy": policy, "node2_policy": policy,
            ]
            index.take(.edges, edge.utf8, at: .init(offset: 0, length: 0))
        }
        index.finish()
        let account = try #require(NodeID(hex: Self.keys[4]))
        for msat in [1, 1_000_000, MilliSatoshi.supply.msat, .max] {
            var query = RouteQuery(target: try #require(NodeID(hex: Self.keys[3])), msat: msat)
            query.usesMissionControl = true
            for source in [nil, Self.keys[0], Self.keys[1]] {
                query.source = source.flatMap { NodeID(hex: $0) }
                guard let found = index.route(query, account: account, hubChannel: 99) else { continue }
                #expect(found.route.hops.allSatisfy { $0.feeMsat >= 0 && $0.forwardMsat >= msat })
                #expect((0...1).contains(found.probability))
            }
        }
    }

    @Test("a fee is the base and the rate's share, rounded down, or none when nobody could pay it")
    func fees() {
        func fee(_ base: Int64, _ rate: Int64, _ msat: Int64) -> Int64? {
            GraphIndex.Policy(
                feeBaseMsat: base,
                feeRate: rate,
                minMsat: 0,
                maxMsat: 0,
                timeLockDelta: 0,
                isDisabled: false
            ).fee(msat)
        }
        #expect(fee(1000, 100, 1_000_000) == 1100)
        #expect(fee(0, 1, 999_999) == 0)
        #expect(fee(0, 999_999, 1) == 0)
        #expect(fee(0, 1_000_000, MilliSatoshi.supply.msat) == MilliSatoshi.supply.msat)
        #expect(fee(1, 1_000_000, MilliSatoshi.supply.msat) == nil)
        #expect(fee(0, .max, .max) == nil)
        #expect(fee(.max, 1, 1_000_000) == nil)
        #expect(fee(-1, 0, 1_000_000) == nil)
        #expect(fee(0, -1, 1_000_000) == nil)
    }

    @Test("a graph file is passed on byte by byte, and answered from")
    func file() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/graph.json"
        let document = Data(Self.document.utf8)
        try document.write(to: URL(filePath: path))
        try await withSandbox(graphFile: path) { nodes in
            let node = try #require(nodes["payer"])
            #expect(try await node.admin("GET", "/v1/graph").body == document)
            let info = try await node.admin("GET", "/v1/graph/info").object
            #expect(info["num_nodes"] as? Int == 5)
            #expect(info["num_channels"] as? Int == 5)
            #expect(info["total_network_capacity"] as? String == "23001000")
            #expect(info["median_channel_size_sat"] as? String == "5000000")
            #expect(info["graph_diameter"] as? Int == 3)
            let third = try await node.admin("GET", "/v1/graph/node/\(Self.keys[2])?include_channels=true").object
            #expect((third["channels"] as? [[String: Any]])?.map { $0["channel_id"] as? String } == ["2", "3", "5"])
            let shell = try await node.admin("GET", "/v1/graph/node/\(Self.keys[4])").object
            #expect((shell["node"] as? [String: Any])?["alias"] as? String == "")
            #expect(try await node.admin("GET", "/v1/graph/edge/3").object["capacity"] as? String == "8000000")
            let routes = try await node.admin("GET", "/v1/graph/routes/\(Self.keys[2])/1000?use_mission_control=1")
            #expect(((routes.object["routes"] as? [[String: Any]])?.first?["hops"] as? [Any])?.count == 3)
            #expect(try #require(routes.object["success_prob"] as? Double) < 0.36)
            let none = try await node.admin("GET", "/v1/graph/routes/\(Self.keys[3])/1000")
            #expect(none.status == 500)
            #expect(none.message == "unable to find a path to destination")
        }
    }
}
