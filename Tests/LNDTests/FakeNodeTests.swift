// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Synchronization
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

    /// The call that a vector is about; a vector about any call is tried with a question about routes.
    private func call(_ name: String, _ client: LNDClient) async throws {
        let hash = Preimage.random().paymentHash
        switch name {
        case let name where name.contains("invoice/"):
            // That an invoice is unknown is an answer of its own.
            guard try await client.lookupInvoice(hash) != nil else { throw Unknown() }
        case let name where name.contains("transactions"):
            _ = try await client.pay("lnbc1", hash: hash, terms: PaymentTerms(feeLimit: .sat(1)))
        case let name where name.contains("GetInfo"): _ = try await client.nodeStatus()
        default: _ = try await client.queryRoutes(try query())
        }
    }

    private struct Unknown: Error {}

    @Test("every recorded answer has its class, over a real connection", arguments: AnswerClassifierTests.Vector.load())
    func vectors(vector: AnswerClassifierTests.Vector) async throws {
        let reply = FakeNode.Reply(status: vector.http, body: vector.body.text, hangsUp: vector.http == 0)
        // A caller that gives up has a test of its own.
        guard vector.classify != "cancelled" else { return }
        try await withFakeNode({ _ in reply }) { fake in
            do {
                try await call(vector.call, fake.client)
                Issue.record("the call succeeded")
            } catch is Unknown {
                #expect(vector.classify == "answered")
            } catch {
                #expect((error as? LNDError)?.errorClass.rawValue == vector.classify)
            }
        }
    }

    @Test(
        "what one client learns of a node holds for the others of the process, and what it learns of another does not"
    )
    func sharedBreakers() async throws {
        try await withFakeNode({ _ in FakeNode.Reply(status: 502, body: "<html>") }) { fake in
            let breakers = LNDBreakers()
            let (one, other) = (fake.client(breakers), fake.client(breakers))
            for _ in 0..<20 { _ = await failure { _ = try await one.queryRoutes(try query()) } }
            var classes: [LNDError.Class?] = []
            for _ in 0..<3 {
                classes.append(await failure { _ = try await other.queryRoutes(try query()) }?.errorClass)
            }
            #expect(classes.contains(.breakerOpen))
            #expect(await failure { _ = try await fake.client.queryRoutes(try query()) }?.errorClass == .transport)
            await one.shutdown()
            await other.shutdown()
        }
    }

    @Test("a meaning that was learnt holds after a restart, and not for another version")
    func adoption() async throws {
        let sentence = "new words"
        let version = Mutex("0.99.0")
        try await withFakeNode({ path in
            guard path.contains("getinfo") else {
                return FakeNode.Reply(status: 500, body: #"{"code":2,"message":"\#(sentence)","details":[]}"#)
            }
            return FakeNode.Reply(
                body: #"{"identity_pubkey":"02","version":"\#(version.withLock(\.self))","synced_to_graph":true}"#
            )
        }) { fake in
            _ = try await fake.client.nodeStatus()
            let meaning = LearntMeaning(call: "query_routes", code: 2, message: sentence, meaning: .noRoute)
            fake.client.adopt([meaning], of: "0.98.0")
            #expect(await failure { _ = try await fake.client.queryRoutes(try query()) }?.meaning == .unclassified)
            fake.client.adopt([meaning], of: fake.client.knownVersion)
            #expect(await failure { _ = try await fake.client.queryRoutes(try query()) }?.meaning == .noRoute)
            version.withLock { $0 = "1.0.0" }
            _ = try await fake.client.nodeStatus()
            #expect(await failure { _ = try await fake.client.queryRoutes(try query()) }?.meaning == .unclassified)
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
