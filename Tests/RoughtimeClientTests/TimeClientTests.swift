// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Roughtime
import Synchronization
import Testing

@testable import RoughtimeClient

@Suite("Tries and offers")
struct TimeClientTests {
    @Test("waits grow by half from a second to a day, and start again after an answer")
    func schedule() {
        var schedule = RetrySchedule()
        #expect(
            (0..<4).map { _ in schedule.failed() } == [.seconds(1), .seconds(1.5), .seconds(2.25), .seconds(3.375)]
        )
        #expect(schedule.wait(afterTry: 29) < .seconds(86_400))
        #expect(schedule.wait(afterTry: 30) == .seconds(86_400))
        #expect(schedule.wait(afterTry: .max) == .seconds(86_400))
        schedule.answered()
        #expect(schedule.failed() == .seconds(1))
        #expect(RetrySchedule(first: .seconds(10)).wait(afterTry: 3) == .seconds(22.5))
    }

    @Test("versions fit into three requests, by their nonces and frames")
    func forms() {
        let forms = VersionOffers.forms(of: Version.all)
        #expect(forms.map(\.count) == [9, 4, 1])
        for form in forms {
            let length = Profile.of(form[0])?.nonceLength ?? 0
            #expect(Request(versions: form, nonce: [UInt8](repeating: 0, count: length)) != nil)
        }
        #expect(VersionOffers.forms(of: []).isEmpty)
        #expect(VersionOffers.forms(of: [.rfc10049, .google]) == [[.rfc10049], [.google]])
    }

    @Test("a list's version is offered first, and the second try allows for an old list", arguments: Version.all)
    func automatic(_ version: Version) {
        let offers = VersionOffers.automatic(listed: version)
        #expect(offers.versions(attempt: 0).contains(version))
        for attempt in 0..<4 { #expect(VersionOffers.forms(of: offers.versions(attempt: attempt)).count == 1) }
        guard (.draft(1) ... .draft(11)).contains(version) else { return }
        #expect(offers.versions(attempt: 0).allSatisfy { $0 <= version && $0 != .rfc10049 })
        #expect(offers.versions(attempt: 1).contains(.rfc10049))
    }

    @Test("an answer in every version is taken, with the times of both ends", arguments: Version.all)
    func versions(_ version: Version) async throws {
        let (fake, clock) = (try FakeServer(), FakeClock())
        let client = TimeClient.fake(FakeNetwork(["a": fake], clock: clock), clock)
        let exchange = try await client.ask(fake.server("a", offers: .fixed([version])))
        #expect(exchange.response.version == version)
        #expect(exchange.sent < exchange.received && exchange.tries == 1)
        #expect(exchange.link.publicKey == fake.publicKey && exchange.link.blind == nil)
        #expect(throws: Never.self) { try VerifiedChain(verifying: [exchange.link]) }
    }

    @Test("after two silences on UDP the server is asked over TCP, if it is listed")
    func fallsBack() async throws {
        let (fake, clock) = (try FakeServer(), FakeClock())
        let network = FakeNetwork(clock: clock.local) { request, endpoint in
            endpoint.transport == "tcp" ? [fake.answer(request)].compactMap { $0 } : []
        }
        var server = fake.server("a")
        server.endpoints.append(.tcp(host: "a", port: 5319))
        let exchange = try await TimeClient.fake(network, clock).ask(server)
        #expect(exchange.endpoint.transport == "tcp" && exchange.tries == 3)
        #expect(network.endpoints.map(\.transport) == ["udp", "udp", "tcp"])

        let (udp, tcp) = (Endpoint.udp(host: "a", port: 1), Endpoint.tcp(host: "a", port: 1))
        for attempt in 0..<6 {
            #expect(try TimeClient.endpoint([udp], [.rfc10049], attempt, attempt) == udp)
            #expect(try TimeClient.endpoint([tcp], [.rfc10049], attempt, 0) == tcp)
            #expect(try TimeClient.endpoint([tcp, udp], [.google], attempt, attempt) == udp)
            // Neither is given up: the one may be filtered, the other closed.
            let isStream = attempt >= 2 && attempt.isMultiple(of: 2)
            #expect(try TimeClient.endpoint([udp, tcp], [.rfc10049], attempt, attempt) == (isStream ? tcp : udp))
        }
    }

    @Test("every try has a nonce of its own")
    func nonces() async throws {
        let (fake, clock) = (try FakeServer(), FakeClock())
        let seen = Mutex<[[UInt8]]>([])
        let network = FakeNetwork(clock: clock.local) { request, _ in
            let nonce = (try? Request(reading: request))?.nonce ?? []
            let count = seen.withLock { seen in
                seen.append(nonce)
                return seen.count
            }
            return count == 4 ? [fake.answer(request)].compactMap { $0 } : []
        }
        _ = try await TimeClient.fake(network, clock).ask(fake.server("a"))
        #expect(Set(seen.withLock { $0 }).count == 4)
    }

    @Test("strays, forgeries and answers to others are passed over, and counted when nothing better comes")
    func forgeries() async throws {
        let (fake, other, clock) = (try FakeServer(), try FakeServer(), FakeClock())
        let elsewhere = try #require(
            Request(versions: [.rfc10049], nonce: [UInt8](repeating: 1, count: 32), serverKey: fake.publicKey)
        )
        @Sendable func bad(_ request: [UInt8]) -> [[UInt8]] {
            var spoilt = fake.answer(request) ?? []
            if !spoilt.isEmpty { spoilt[spoilt.count - 5] ^= 1 }
            return [
                [], [UInt8](repeating: 0, count: 464), spoilt, fake.answer(elsewhere.packet) ?? [],
                [UInt8](repeating: 7, count: 2000),
            ]
        }
        let good = FakeNetwork(clock: clock.local) { request, _ in
            bad(request) + [fake.answer(request)].compactMap { $0 }
        }
        #expect(try await TimeClient.fake(good, clock).ask(fake.server("a")).tries == 1)
        let evil = FakeNetwork(clock: clock.local) { request, _ in bad(request) }
        await #expect(throws: ExchangeFailure.silence(ignored: 5, last: .longerThanRequest)) {
            try await TimeClient.fake(evil, clock).ask(fake.server("a"), within: .microseconds(1))
        }
        // A request without a key names no server, so another server may answer it, and is found out.
        let impostor = FakeNetwork(clock: clock.local) { request, _ in
            guard let request = try? Request(reading: request) else { return [] }
            let open = Request(versions: [.draft(8)], nonce: request.nonce)
            return [open.flatMap { other.answer($0.packet) }].compactMap { $0 }
        }
        let server = fake.server("a", offers: .fixed([.draft(8)]))
        await #expect(throws: ExchangeFailure.silence(ignored: 1, last: .delegationSignature)) {
            try await TimeClient.fake(impostor, clock).ask(server, within: .microseconds(1))
        }
    }

    @Test("what cannot be asked is said at once")
    func impossible() async throws {
        let (fake, clock) = (try FakeServer(), FakeClock())
        let client = TimeClient.fake(FakeNetwork(["a": fake], clock: clock), clock)
        var server = fake.server("a", offers: .fixed([.google]))
        server.endpoints = [.tcp(host: "a", port: 1)]
        await #expect(throws: ExchangeFailure.nothingToOffer) { try await client.ask(server) }
        server.endpoints = []
        await #expect(throws: ExchangeFailure.noEndpoint) { try await client.ask(server) }
        let mixed = fake.server("a", offers: .fixed([.draft(4), .draft(5)]))
        await #expect(throws: ExchangeFailure.nothingToOffer) { try await client.ask(mixed) }
    }

    @Test("a clock that is set during an exchange does not spoil the interval")
    func steps() {
        // Sent at 1 s and received at 3 s of the clock that cannot be set; the other one was set in between.
        let now = LocalClock.Reading(monotonic: 5_000_000, unix: 100_000_000)
        #expect(now.unix(at: 1_000_000) == 96_000_000)
        #expect(now.unix(at: 3_000_000) == 98_000_000)
    }
}
