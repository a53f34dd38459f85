// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Roughtime
import Testing

@testable import RoughtimeClient

@Suite("Chains and clock checks")
struct ClockCheckTests {
    private func servers(_ fakes: [String: FakeServer]) -> [TimeServer] {
        fakes.sorted { $0.key < $1.key }.map { $0.value.server($0.key) }
    }

    private func check(_ fakes: [String: FakeServer], silent: [String] = [], clock: FakeClock = FakeClock())
        -> ClockCheck
    {
        var answering = fakes
        for name in silent { answering[name] = nil }
        return ClockCheck(
            servers: servers(fakes),
            client: .fake(FakeNetwork(answering, clock: clock), clock),
            perServer: .milliseconds(1)
        )
    }

    @Test("servers are asked twice in the same random order, and every nonce follows from the answer before")
    func chain() async throws {
        let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer(), "d": try FakeServer()]
        var orders: Set<[String]> = []
        for _ in 0..<30 {
            let clock = FakeClock()
            let network = FakeNetwork(fakes, clock: clock)
            let order = ChainSequence.shuffled(servers(fakes))
            let run = await ChainSequence(client: .fake(network, clock)).run(order)
            let names = run.exchanges.map(\.server.name)
            #expect(names == order.map(\.name) + order.map(\.name))
            #expect(run.links[0].blind == nil && run.links.dropFirst().allSatisfy { $0.blind?.count == 32 })
            #expect(try VerifiedChain(verifying: run.links).isConsistent)
            orders.insert(names)
        }
        #expect(orders.count > 1)
    }

    @Test("a chain may cross versions with nonces of different lengths")
    func mixedVersions() async throws {
        let clock = FakeClock()
        let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer()]
        let offers: [String: VersionOffers] = [
            "a": .fixed([.google]), "b": .fixed([.draft(3)]), "c": .automatic(listed: .rfc10049),
        ]
        let order = fakes.map { $0.value.server($0.key, offers: offers[$0.key] ?? .fixed([])) }
        let run = await ChainSequence(client: .fake(FakeNetwork(fakes, clock: clock), clock)).run(order)
        #expect(run.exchanges.count == 6)
        #expect(try VerifiedChain(verifying: run.links).isConsistent)
    }

    @Test("a server that is silent is a failure and is left out of the second round")
    func silent() async throws {
        let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer(), "d": try FakeServer()]
        let result = await check(fakes, silent: ["b"]).run()
        guard case .inSync = result.judgement.verdict else {
            Issue.record("\(result.judgement)")
            return
        }
        #expect(result.chain?.links.count == 6)
        let failed = result.servers.filter { if case .failed(.silence) = $0.outcome { true } else { false } }
        #expect(failed.map(\.server.name) == ["b"])
    }

    @Test("a right clock is in sync, a wrong one is not, by as much as it is off", arguments: [0, 3600, -86_400])
    func verdict(_ seconds: Int64) async throws {
        let clock = FakeClock(ahead: seconds * 1_000_000)
        let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer()]
        let result = await check(fakes, clock: clock).run()
        switch result.judgement.verdict {
        case .inSync: #expect(seconds == 0)
        case .outOfSync(let low, let high):
            let needed = Int128(-seconds * 1_000_000)
            #expect(seconds != 0 && low <= needed && needed <= high)
        case .noQuorum(let reason): Issue.record("\(reason)")
        }
        #expect(result.servers.allSatisfy { $0.role == .agrees })
    }

    @Test("a liar among honest servers changes nothing, and the chain convicts it")
    func liar() async throws {
        let fakes = [
            "a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer(),
            "liar": try FakeServer(ahead: 7_200_000_000),
        ]
        let result = await check(fakes).run()
        guard case .inSync(let low, let high) = result.judgement.verdict else {
            Issue.record("\(result.judgement)")
            return
        }
        #expect(low <= 0 && 0 <= high)
        #expect(result.isMalfeasance)
        #expect(result.chain?.suspect == fakes["liar"]?.publicKey)
        #expect(result.servers.first { $0.server.name == "liar" }?.role == .falseticker)
    }

    @Test("two servers are no quorum of three operators, and answers that say nothing do not vote")
    func noQuorum() async throws {
        let two = ["a": try FakeServer(), "b": try FakeServer()]
        let wide = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer(radius: 4000)]
        for fakes in [two, wide] {
            let result = await check(fakes).run()
            guard case .noQuorum = result.judgement.verdict else {
                Issue.record("\(result.judgement)")
                continue
            }
            #expect(result.servers.filter { $0.role == .tooWide }.count == fakes.count - 2)
        }
        let nobody = await check(two, silent: ["a", "b"]).run()
        #expect(nobody.chain == nil && nobody.judgement.offset == nil)
    }

    @Test("operators take turns before any is asked a second time, and no more servers than allowed are asked")
    func selection() throws {
        let fake = try FakeServer()
        let many = (0..<20).map { number in
            var server = fake.server("s\(number)")
            server.operatorName = number < 17 ? "big" : "small\(number)"
            return server
        }
        for _ in 0..<20 {
            let order = ChainSequence.shuffled(many)
            #expect(Set(order.prefix(4).map(\.operatorName)).count == 4)
            #expect(order.count == many.count)
        }
    }

    @Test("chains are kept as reports that verify, the oldest making room")
    func store() async throws {
        try await withDirectory { directory in
            let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer()]
            var check = check(fakes)
            check.store = ChainStore(directory: directory + "/deep/er", capacity: 3)
            var last: String?
            for _ in 0..<5 { last = try await check.run().kept?.get() }
            let kept = try #require(check.store?.chains)
            #expect(kept.count == 3)
            #expect(kept.contains(try #require(last)))
            for path in kept {
                let report = try MalfeasanceReport(json: Data(contentsOf: URL(fileURLWithPath: path)))
                #expect(try VerifiedChain(verifying: report.links).isConsistent)
            }
        }
    }

    @Test("a chain that cannot be kept is said, and the clock is judged all the same")
    func unwritable() async throws {
        let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer()]
        var check = check(fakes)
        check.store = ChainStore(directory: "/proc/nowhere")
        let result = await check.run()
        #expect(throws: ChainStore.Failure.self) { try result.kept?.get() }
        guard case .inSync = result.judgement.verdict else {
            Issue.record("\(result.judgement)")
            return
        }
    }
}
