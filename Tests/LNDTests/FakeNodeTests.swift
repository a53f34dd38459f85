// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Testing

@testable import LND

/// The client against a node on a real socket, one per class of error.
@Suite("A node that fails")
struct FakeNodeTests {
    private static let info = #"{"identity_pubkey":"02","version":"0.21.1-beta","synced_to_graph":true}"#

    private func node(_ digit: Character) throws -> NodeID {
        try #require(NodeID(hex: "02" + String(repeating: digit, count: 64)))
    }

    private func query() throws -> RouteQuery { RouteQuery(target: try node("1"), amount: .sat(1000)) }

    private func failure(_ body: () async throws -> Void) async -> LNDError? {
        do { try await body() } catch { return error as? LNDError }
        return nil
    }

    @Test("every recorded answer has its class, over a real connection", arguments: AnswerClassifierTests.Vector.load())
    func vectors(vector: AnswerClassifierTests.Vector) async throws {
        guard vector.call == "any" || vector.call.contains("routes") else { return }
        let reply = FakeNode.Reply(status: vector.http, body: vector.body.text, hangsUp: vector.http == 0)
        guard vector.classify != "cancelled" else { return }
        try await withFakeNode({ _ in reply }) { fake in
            let error = await failure { _ = try await fake.client.queryRoutes(try query()) }
            #expect(error?.errorClass.rawValue == vector.classify)
        }
    }

    @Test("a caller that gives up says nothing about the node")
    func cancelled() async throws {
        try await withFakeNode({ _ in FakeNode.Reply(isSilent: true) }) { fake in
            let call = Task { try await fake.client.nodeStatus() }
            call.cancel()
            let error = await failure { _ = try await call.value }
            #expect(error?.errorClass == .cancelled)
        }
    }

    @Test("malformed foreign input never opens the breaker, and transport failures do")
    func breaker() async throws {
        let answered = #"{"code":2,"message":"a sentence never seen before","details":[]}"#
        try await withFakeNode({ _ in FakeNode.Reply(status: 500, body: answered) }) { fake async throws in
            for _ in 0..<40 {
                let error = await failure { _ = try await fake.client.queryRoutes(try query()) }
                #expect(error?.meaning == .unclassified)
            }
            #expect(fake.requests.count == 40)
            fake.answer { _ in FakeNode.Reply(status: 502, body: "<html>") }
            var classes: [LNDError.Class] = []
            for _ in 0..<40 {
                guard let error = await failure({ _ = try await fake.client.queryRoutes(try query()) }) else {
                    continue
                }
                classes.append(error.errorClass)
            }
            #expect(classes.contains(.breakerOpen))
            // Another purpose has a breaker of its own.
            fake.answer { _ in FakeNode.Reply(body: Self.info) }
            #expect(try await fake.client.nodeStatus().version == "0.21.1-beta")
        }
    }

    @Test("a refused macaroon is not sent again for a minute, except to see whether it is taken again")
    func macaroon() async throws {
        let refusal = #"{"code":16,"message":"x","details":[]}"#
        try await withFakeNode({ _ in FakeNode.Reply(status: 401, body: refusal) }) { fake in
            for _ in 0..<5 {
                #expect(await failure { _ = try await fake.client.nodeStatus() }?.errorClass == .auth)
            }
            #expect(fake.requests.count == 1)
            #expect(await fake.client.checkMacaroon(.read) == false)
            fake.answer { _ in FakeNode.Reply(body: Self.info) }
            #expect(await failure { _ = try await fake.client.nodeStatus() }?.errorClass == .auth)
            #expect(await fake.client.checkMacaroon(.read) == true)
            _ = try await fake.client.nodeStatus()
        }
    }

    @Test("a macaroon is found refused by the call that can fail for no other reason, whatever the sentence")
    func canaries() async throws {
        let sentence = FakeNode.Reply(status: 500, body: #"{"code":2,"message":"some new words","details":[]}"#)
        let unknown = FakeNode.Reply(status: 404, body: #"{"code":5,"message":"x","details":[]}"#)
        try await withFakeNode({ _ in sentence }) { fake in
            for purpose in MacaroonPurpose.allCases {
                #expect(await fake.client.checkMacaroon(purpose) == false)
            }
            fake.answer { _ in unknown }
            #expect(await fake.client.checkMacaroon(.invoice) == true)
            #expect(await fake.client.checkMacaroon(.pay) == true)
            fake.answer { _ in FakeNode.Reply(hangsUp: true) }
            #expect(await fake.client.checkMacaroon(.invoice) == nil)
        }
    }

    @Test("a busy node is left alone for as long as it asks")
    func busy() async throws {
        let reply = FakeNode.Reply(
            status: 429,
            headers: [("Retry-After", "60")],
            body: #"{"code":8,"message":"x","details":[]}"#
        )
        try await withFakeNode({ _ in reply }) { fake in
            for _ in 0..<3 {
                #expect(await failure { _ = try await fake.client.queryRoutes(try query()) }?.errorClass == .busy)
            }
            #expect(fake.requests.count == 1)
        }
    }

    @Test("sentences of a new version are learnt from answers that can mean nothing else, and blame nobody")
    func learning() async throws {
        try await withFakeNode({ path in
            let sentence = path.contains("source_pub_key") ? "nothing leads there" : "you have not that much"
            return FakeNode.Reply(status: 500, body: #"{"code":2,"message":"\#(sentence)","details":[]}"#)
        }) { fake in
            let hub = try node("2")
            #expect(await failure { _ = try await fake.client.queryRoutes(try query()) }?.meaning == .unclassified)
            let learnt = await fake.client.learnRouteMeanings(
                hub: hub,
                small: try node("1"),
                capacity: .sat(1000),
                beyondBalance: .sat(1_000_000_000)
            )
            #expect(learnt.map(\.meaning) == [.noRoute, .insufficientLocalBalance])
            var foreign = try query()
            foreign.source = hub
            let fromHub = foreign
            #expect(await failure { _ = try await fake.client.queryRoutes(fromHub) }?.meaning == .noRoute)
        }
    }
}
