// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LND
import LightningPrimitives
import Logging
import Testing

@testable import LightningSandbox

/// Routes, attempts along them and changes of the graph, by our own client.
@Suite("The sandbox's network")
struct RouterTests {
    private static let keys = (1...4).map { "02" + String(repeating: "0", count: 63) + "\($0)" }

    /// 1 - 2 - 3 in a row, and 4 behind 3; node 2 has the most capacity, so it is the accounts' neighbour.
    private static var document: String {
        let edges = [edge(1, 0, 1, 900_000_000), edge(2, 1, 2, 500_000_000), edge(3, 2, 3, 1_000_000)]
        let nodes = keys.map { "{\"pub_key\":\"\($0)\",\"alias\":\"n\",\"last_update\":1}" }
        return "{\"nodes\":[\(nodes.joined(separator: ","))],\"edges\":[\(edges.joined(separator: ","))]}"
    }

    private static func edge(_ id: Int, _ one: Int, _ two: Int, _ capacity: Int) -> String {
        let policy = policy(base: 1000)
        return """
            {"channel_id":"\(id)","node1_pub":"\(keys[one])","node2_pub":"\(keys[two])","capacity":"\(capacity)",\
            "node1_policy":\(policy),"node2_policy":\(policy)}
            """
    }

    private static func policy(base: Int, isDisabled: Bool = false) -> String {
        """
        {"time_lock_delta":40,"min_htlc":"1000","fee_base_msat":"\(base)","fee_rate_milli_msat":"10",\
        "disabled":\(isDisabled),"max_htlc_msat":"0","last_update":5}
        """
    }

    private func withNetwork(_ body: @escaping @Sendable (LNDClient, NodeCaller) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/graph.json"
        try Data(Self.document.utf8).write(to: URL(filePath: file))
        try await withSandbox(graphFile: file, clock: SystemSandboxClock()) { nodes in
            let node = try #require(nodes["payer"])
            let lnd = LNDClient(
                configuration: LNDConfiguration(
                    restURL: node.info.restURL,
                    tlsCertificatePath: node.info.tlsCertPath,
                    macaroonPath: node.info.adminMacaroonPath,
                    deadlines: .generous
                ),
                logger: Logger(label: "lnd") { _ in SwiftLogNoOpLogHandler() }
            )
            let result: Result<Void, any Error>
            do { result = .success(try await body(lnd, node)) } catch { result = .failure(error) }
            await lnd.shutdown()
            try result.get()
        }
    }

    private func node(_ number: Int) throws -> NodeID { try #require(NodeID(hex: Self.keys[number - 1])) }

    @Test("a route can be asked for, and a probe along it reaches the payee")
    func probe() async throws {
        try await withNetwork { lnd, _ in
            let answer = try await lnd.queryRoutes(RouteQuery(target: try node(3), amount: .sat(1000)))
            #expect(answer.route.hops.map(\.node) == [try node(2), try node(3)])
            #expect(answer.route.totalFees == MilliSatoshi(msat: 1010))
            #expect(answer.successProbability > 0.5 && answer.successProbability < 1)
            let attempt = try await lnd.probe(answer.route)
            #expect(attempt.status == .failed && attempt.preimage == nil)
            #expect(attempt.failure == HTLCFailure(code: .unknownPaymentDetails, sourceIndex: 2))
            #expect(attempt.route.hops == answer.route.hops)
            let learnt = try await lnd.queryMissionControl()
            let last = try #require(learnt.first { $0.from == (try? node(2)) })
            #expect(last.to == (try node(3)) && last.succeededAmount == .sat(1000) && last.failedAt == 0)
        }
    }

    @Test("a channel gives way at its hidden balance, and the node before it says so")
    func liquidity() async throws {
        try await withNetwork { lnd, _ in
            let balance = HiddenBalance.firstNodeMsat(channel: 3, capacitySat: 1_000_000)
            #expect((0...1_000_000_000).contains(balance))
            for (msat, code, source) in [
                (balance, HTLCFailure.Code.unknownPaymentDetails, 3), (balance + 1, .temporaryChannelFailure, 2),
            ] where (1000...999_000_000).contains(msat) {
                let query = RouteQuery(target: try node(4), amount: MilliSatoshi(msat: msat))
                let attempt = try await lnd.probe(try await lnd.queryRoutes(query).route)
                #expect(attempt.failure == HTLCFailure(code: code, sourceIndex: source))
            }
        }
    }

    @Test("an HTLC to a neighbour settles its invoice")
    func settlement() async throws {
        try await withSandbox(clock: SystemSandboxClock()) { nodes in
            let (merchant, payer) = (try #require(nodes["merchant"]), try #require(nodes["payer"]))
            let invoice = try await merchant.addInvoice(["value": "7"])
            let decoded = try await payer.admin("GET", "/v1/payreq/\(invoice.request)").object
            let path = "/v1/graph/routes/\(merchant.info.identity.hex)/7"
            let routes = try await payer.admin("GET", path).object["routes"] as? [[String: Any]]
            var route = try #require(routes?.first)
            var hops = try #require(route["hops"] as? [[String: Any]])
            hops[0]["mpp_record"] = ["payment_addr": decoded["payment_addr"] ?? "", "total_amt_msat": "7000"]
            route["hops"] = hops
            let body: [String: Any] = ["payment_hash": Base64.encode(invoice.hash), "route": route]
            let attempt = try await payer.admin("POST", "/v2/router/route/send", body: body).object
            #expect(attempt["status"] as? String == "SUCCEEDED")
            let again = try await payer.admin("POST", "/v2/router/route/send", body: body).object
            #expect(again["status"] as? String == "FAILED")
            #expect(try await merchant.balance() == 10_000_007_000)
        }
    }

    @Test("the figures of the network and of a fee can be read")
    func figures() async throws {
        try await withNetwork { lnd, _ in
            let facts = try await lnd.networkFacts()
            #expect(facts.nodes == 4 && facts.channels == 3 && facts.capacity == .sat(1_401_000_000))
            let estimate = try await lnd.estimateRouteFee(to: try node(3), sat: 1000)
            #expect(estimate.fee == MilliSatoshi(msat: 1010) && estimate.failure == nil)
            let unknown = try #require(NodeID(hex: "03" + String(repeating: "7", count: 64)))
            #expect(try await lnd.estimateRouteFee(to: unknown, sat: 1000).failure == .noRoute)
        }
    }

    @Test("a change of the graph reaches subscribers, the graph and its routes")
    func changes() async throws {
        try await withNetwork { lnd, node in
            let (seen, report) = AsyncStream.makeStream(of: [UInt8].self)
            let follower = Task {
                while !Task.isCancelled { try? await lnd.readGraphUpdates { report.yield($0) } }
            }
            defer { follower.cancel() }
            let update = """
                {"channel_updates":[{"chan_id":"2","capacity":"500000000","routing_policy":\(Self.policy(base: 5000)),\
                "advertising_node":"\(Self.keys[1])","connecting_node":"\(Self.keys[2])"},\
                {"chan_id":"9","capacity":"777","routing_policy":\(Self.policy(base: 1)),\
                "advertising_node":"\(Self.keys[3])","connecting_node":"\(Self.keys[0])"}],\
                "closed_chans":[{"chan_id":"3"}],\
                "node_updates":[{"identity_key":"\(Self.keys[0])","alias":"renamed"}]}
                """
            let macaroon = try node.macaroon(.admin)
            let path = "/sandbox/graph/updates"
            let changed = try await node.call("POST", path, macaroon: macaroon, raw: Data(update.utf8))
            #expect(changed.status == 200)
            // The stream may only have opened behind the first one: the same change again is the same graph.
            let repeater = Task {
                while !Task.isCancelled {
                    _ = try? await node.call("POST", path, macaroon: macaroon, raw: Data(update.utf8))
                }
            }
            var lines = seen.makeAsyncIterator()
            let line = try #require(await lines.next())
            repeater.cancel()
            let event = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            let result = try #require(event["result"] as? [String: Any])
            #expect((result["channel_updates"] as? [Any])?.count == 2)
            let graph = try await node.admin("GET", "/v1/graph").object
            let edges = try #require(graph["edges"] as? [[String: Any]])
            #expect(edges.compactMap { $0["channel_id"] as? String } == ["1", "2", "9"])
            let policy = edges[1]["node1_policy"] as? [String: Any]
            #expect(policy?["fee_base_msat"] as? String == "5000")
            #expect((graph["nodes"] as? [[String: Any]])?.contains { $0["alias"] as? String == "renamed" } == true)
            let route = try await lnd.queryRoutes(RouteQuery(target: try self.node(3), amount: .sat(1000))).route
            #expect(route.totalFees == MilliSatoshi(msat: 5010))
            await #expect(throws: LNDError.self) {
                try await lnd.queryRoutes(RouteQuery(target: try self.node(4), amount: .sat(1000)))
            }
            let refused = try await node.call(
                "POST",
                path,
                macaroon: try node.macaroon(.readonly),
                raw: Data("{}".utf8)
            )
            #expect(refused.message == "permission denied")
        }
    }
}
