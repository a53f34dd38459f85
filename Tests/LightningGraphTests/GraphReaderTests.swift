// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gzip
import LightningGraph
import LightningPrimitives
import Testing

@Suite("Graph reader")
struct GraphReaderTests {
    private func read(_ json: [UInt8], chunk: Int = .max) throws -> (graph: ChannelGraph, report: GraphReader.Report) {
        var reader = GraphReader()
        var position = 0
        while position < json.count {
            let end = min(json.count, position + min(chunk, json.count))
            try reader.consume(Array(json[position..<end]))
            position = end
        }
        return (try reader.finish(), reader.report)
    }

    private func read(_ json: String, chunk: Int = .max) throws -> (graph: ChannelGraph, report: GraphReader.Report) {
        try read(Array(json.utf8), chunk: chunk)
    }

    private let keys = [nodeID(1).hex, nodeID(2).hex]

    private func edge(_ id: String, capacity: String = "\"1000\"", policy: String = "null") -> String {
        """
        {"channel_id":\(id),"node1_pub":"\(keys[0])","node2_pub":"\(keys[1])","capacity":\(capacity),\
        "node1_policy":\(policy),"node2_policy":null}
        """
    }

    private func document(nodes: [String] = [], edges: [String] = []) -> String {
        "{\"nodes\":[\(nodes.joined(separator: ","))],\"edges\":[\(edges.joined(separator: ","))]}"
    }

    @Test("a real graph reads the same whatever the chunks")
    func realGraph() throws {
        let bytes = try GzipReader.readAll(path: snapshotPath("mainnet-2026-02-03-top100"), limit: 10_000_000)
        let whole = try read(bytes)
        #expect(whole.graph.nodes.count == 96)
        #expect(whole.graph.channels.count == 2623)
        #expect(whole.graph.channels.reduce(0) { $0 + $1.capacitySat } / 100_000_000 == 2253)
        #expect(whole.report.badElements == 0)
        #expect(whole.report.bytes == bytes.count)
        for chunk in [1021, 65_536] {
            let other = try read(bytes, chunk: chunk)
            #expect(other.graph.nodes == whole.graph.nodes)
            #expect(other.graph.channels == whole.graph.channels)
            #expect(other.report == whole.report)
        }
    }

    @Test("numbers are accepted as text and as numbers")
    func numbers() throws {
        let text = """
            {"time_lock_delta":40,"min_htlc":"1","fee_base_msat":"7","fee_rate_milli_msat":"4294967295",\
            "max_htlc_msat":"18446744073709551615","last_update":1770000000,"inbound_fee_base_msat":-5}
            """
        let number = """
            {"time_lock_delta":"40","min_htlc":1,"fee_base_msat":7,"fee_rate_milli_msat":4294967295,\
            "max_htlc_msat":9223372036854775807,"last_update":"1770000000","inbound_fee_base_msat":"-5"}
            """
        let edges = [edge("\"1\"", policy: text), edge("2", capacity: "1000", policy: number)]
        let (graph, report) = try read(document(edges: edges))
        #expect(report.badElements == 0 && report.badPolicies == 0)
        #expect(graph.channels[0].policy1 == graph.channels[1].policy1)
        let policy = try #require(graph.channels[0].policy1)
        #expect(policy.feePPM == 4_294_967_295)
        #expect(policy.maxHTLCMsat == .max)
        #expect(policy.inboundBaseFeeMsat == -5)
    }

    @Test("a bad element is counted and its neighbours survive")
    func badElements() throws {
        let bad = [
            "null", "17", "\"text, with ] and }\"", "[1,[2]]", "{}", "{\"pub_key\":\"xyz\"}", "{\"channel_id\":}",
            edge("\"-1\""), edge("\"99999999999999999999999\""), edge("\"3\"", capacity: "\"2100000000000001\""),
            edge("\"4\"", capacity: "\"-1\""), "{\"channel_id\":\"5\",\"node1_pub\":\"\(keys[0])\"}",
            edge("\"6\"").replacing(keys[1], with: keys[0]),
        ]
        for element in bad {
            let (graph, report) = try read(document(edges: [edge("\"11\""), element, edge("\"12\"")]), chunk: 5)
            #expect(graph.channels.map(\.id.rawValue) == [11, 12], "beside \(element)")
            #expect(report.badElements == 1, "beside \(element)")
        }
    }

    @Test("an absurd policy is unknown, and its channel stays")
    func badPolicies() throws {
        for policy in ["{\"fee_rate_milli_msat\":\"4294967296\"}", "{\"min_htlc\":\"-1\"}", "[]", "\"x\""] {
            let (graph, report) = try read(document(edges: [edge("\"1\"", policy: policy)]))
            #expect(graph.channels.count == 1)
            #expect(graph.channels[0].policy1 == nil)
            #expect(report.badPolicies == 1)
        }
    }

    @Test("a channel that comes twice counts once")
    func duplicates() throws {
        let (graph, report) = try read(document(edges: [edge("\"1\""), edge("\"1\"", capacity: "\"5\"")]))
        #expect(graph.channels.map(\.capacitySat) == [1000])
        #expect(report.duplicateChannels == 1)
    }

    @Test("an element beyond 1 MiB is skipped without being kept")
    func oversized() throws {
        let huge = "{\"pub_key\":\"\(keys[0])\",\"alias\":\"\(String(repeating: "x", count: 2 << 20))\"}"
        let small = "{\"pub_key\":\"\(keys[1])\",\"alias\":\"small\",\"last_update\":1}"
        for nodes in [[huge, small], [small, huge]] {
            let (graph, report) = try read(document(nodes: nodes), chunk: 60_000)
            #expect(graph.nodes.map(\.alias) == ["small"])
            #expect(report.badElements == 1)
        }
    }

    @Test("aliases lose control characters and excess length")
    func aliases() throws {
        let alias = "a\\u0000b\\nc\\u0085d" + String(repeating: "€", count: 100)
        let (graph, _) = try read(document(nodes: ["{\"pub_key\":\"\(keys[0])\",\"alias\":\"\(alias)\"}"]))
        #expect(graph.nodes[0].alias.hasPrefix("abcd€"))
        #expect(graph.nodes[0].alias.utf8.count <= 128)
    }

    @Test("other members, white space and the order of the arrays do not matter")
    func layout() throws {
        let json = """
            { "a" : [ { "nodes" : [ 1 ] } ] , "edges" : [ \(edge("\"1\"")) ] , "b" : "]}\\"" ,
              "c" : -1.5e3 , "d" : {"x":{}} , "nodes" : [ ] , "e" : null }
            """
        let (graph, report) = try read(json, chunk: 3)
        #expect(graph.channels.count == 1 && graph.nodes.count == 2)
        #expect(report.badElements == 0)
    }

    @Test("an array that is null has no elements", arguments: [1, 2, 3, 100])
    func nullArrays(_ chunk: Int) throws {
        let (graph, report) = try read("{\"nodes\":null,\"edges\":[\(edge("\"1\""))]}", chunk: chunk)
        #expect(graph.channels.count == 1 && report.badElements == 0)
        #expect(try read("{\"nodes\": null , \"edges\": null }", chunk: chunk).0.channels.isEmpty)
    }

    @Test("an answer cut anywhere is truncated, one without the arrays is malformed")
    func truncation() throws {
        let json = Array(document(nodes: ["{\"pub_key\":\"\(keys[0])\"}"], edges: [edge("\"1\"")]).utf8)
        for length in 0..<json.count {
            #expect(throws: GraphReadError.self, "at \(length)") { try read(Array(json.prefix(length))) }
        }
        for text in ["[]", "{}", "null", "{\"nodes\":[]}", "{\"code\":2,\"message\":\"starting\"}", "{\"nodes\":[]}}"] {
            #expect { try read(text) } throws: { ($0 as? GraphReadError)?.code == .malformed }
        }
    }

    @Test("flipped bits and random bytes never crash the reader")
    func hostileBytes() throws {
        let policy = "{\"time_lock_delta\":40,\"min_htlc\":\"1000\",\"fee_base_msat\":\"1\",\"disabled\":false}"
        let json = Array(
            document(nodes: ["{\"pub_key\":\"\(keys[0])\",\"alias\":\"é\"}"], edges: [edge("\"1\"", policy: policy)])
                .utf8
        )
        for bit in 0..<(json.count * 8) {
            var damaged = json
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = try? read(damaged)
        }
        var generator = SeededGenerator(1)
        let alphabet = Array("{}[]\",:\\ nodesedges0".utf8)
        for _ in 0..<2000 {
            let tail = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            _ = try? read(tail, chunk: 7)
            _ = try? read(Array("{\"edges\":[".utf8) + tail, chunk: 7)
        }
    }

    @Test("deep nesting inside an element is a bad element")
    func nesting() throws {
        let deep =
            "{\"pub_key\":" + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}"
        let (graph, report) = try read(document(nodes: [deep, "{\"pub_key\":\"\(keys[0])\"}"]))
        #expect(graph.nodes.count == 1)
        #expect(report.badElements == 1)
    }
}
