// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ByteCoding
import Foundation
import Logging
import NIOCore
import NIOFoundationCompat
import NIOSSL
import ServiceLifecycle
import Testing

@testable import LightningSandbox

@Suite("The streams of the sandbox")
struct StreamTests {
    /// Reads a stream line by line, over however many chunks they come in.
    private struct Lines {
        private var body: HTTPClientResponse.Body.AsyncIterator
        private var rest = Data()

        init(_ response: HTTPClientResponse) { body = response.body.makeAsyncIterator() }

        mutating func next() async throws -> [String: Any]? {
            while true {
                if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    defer { rest = Data(rest[(end + 1)...]) }
                    return try JSONSerialization.jsonObject(with: Data(rest[..<end])) as? [String: Any]
                }
                guard let buffer = try await body.next() else { return nil }
                rest.append(Data(buffer: buffer))
            }
        }

        /// The next event's add index, settle index and state.
        mutating func event() async throws -> [String] {
            let result = try await next()?["result"] as? [String: Any] ?? [:]
            return ["add_index", "settle_index", "state"].compactMap { result[$0] as? String }
        }
    }

    @Test("all invoices: replay behind the indexes, then an event for each addition and settlement")
    func allInvoices() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            for value in 1...3 {
                let invoice = try await merchant.addInvoice(["value": String(value)])
                if value != 2 { _ = try await payer.pay(invoice.request) }
            }
            let path = "/v1/invoices/subscribe?add_index=1&settle_index=1"
            var lines = Lines(try await merchant.send("GET", path, macaroon: try merchant.macaroon(.readonly)))
            #expect(try await lines.event() == ["2", "0", "OPEN"])
            #expect(try await lines.event() == ["3", "2", "SETTLED"])
            #expect(try await lines.event() == ["3", "2", "SETTLED"])
            let invoice = try await merchant.addInvoice(["value": "4"])
            #expect(try await lines.event() == ["4", "0", "OPEN"])
            _ = try await payer.pay(invoice.request)
            #expect(try await lines.event() == ["4", "3", "SETTLED"])
        }
    }

    @Test("one invoice: its state at once, then its end, and the stream ends with it")
    func oneInvoice() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let invoice = try await merchant.addInvoice(["value": "1"])
            let path = "/v2/invoices/subscribe/" + Base64.encode(invoice.hash, alphabet: .urlSafe)
            var lines = Lines(try await merchant.send("GET", path, macaroon: try merchant.macaroon(.invoice)))
            #expect(try await lines.event() == ["1", "0", "OPEN"])
            _ = try await payer.pay(invoice.request)
            #expect(try await lines.event() == ["1", "1", "SETTLED"])
            #expect(try await lines.next() == nil)
        }
    }

    @Test("the watcher cancels an expired invoice, and its stream tells")
    func expiry() async throws {
        let clock = TestClock()
        try await withSandbox(clock: clock) { nodes in
            let merchant = try #require(nodes["merchant"])
            let invoice = try await merchant.addInvoice(["value": "1", "expiry": "60"])
            let path = "/v2/invoices/subscribe/" + Base64.encode(invoice.hash, alphabet: .urlSafe)
            var lines = Lines(try await merchant.send("GET", path, macaroon: try merchant.macaroon(.invoice)))
            #expect(try await lines.event() == ["1", "0", "OPEN"])
            clock.advance(seconds: 60)
            #expect(try await lines.event() == ["1", "0", "CANCELED"])
            #expect(try await lines.next() == nil)
        }
    }

    @Test("a stopping sandbox ends its streams in good order, and does not wait for their readers")
    func shutdown() async throws {
        let directory = try TemporaryDirectory()
        let logger = Logger(label: "sandbox") { _ in SwiftLogNoOpLogHandler() }
        let sandbox = Sandbox(configuration: .init(directory: directory.path), logger: logger)
        let group = ServiceGroup(services: [sandbox], logger: logger)
        async let running: Void = group.run()
        let infos = try await sandbox.ready()
        let info = try #require(infos.first)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(info.tlsCertPath)
        let http = HTTPClient(configuration: .init(tlsConfiguration: tls))
        let node = NodeCaller(info: info, http: http)
        let invoice = try await node.addInvoice(["value": "1"])
        let path = "/v2/invoices/subscribe/" + Base64.encode(invoice.hash, alphabet: .urlSafe)
        var lines = Lines(try await node.send("GET", path, macaroon: try node.macaroon(.admin)))
        #expect(try await lines.event() == ["1", "0", "OPEN"])
        await group.triggerGracefulShutdown()
        #expect(try await lines.next() == nil)
        try await running
        try await http.shutdown()
    }

    @Test("a connection that stays open does not keep the streams it had")
    func released() async throws {
        let bell = Bell()
        let closing = HTTPClient.defaultEventLoopGroup.any().makePromise(of: Void.self)
        var events: QuietEvents? = QuietEvents(bell: bell)
        events?.end(with: closing.futureResult)
        #expect(bell.listenerCount == 1)
        events = nil
        #expect(bell.listenerCount == 0)
        let waiting = QuietEvents(bell: bell)
        waiting.end(with: closing.futureResult)
        closing.succeed()
        #expect(await waiting.next() == nil)
    }

    @Test("a stream that may not be read says so at once")
    func denied() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let macaroon = try merchant.macaroon(.pay)
            let answer = try await merchant.call("GET", "/v1/invoices/subscribe", macaroon: macaroon)
            #expect(answer.status == 500)
            #expect(answer.lines.first?["error"] != nil)
        }
    }
}
