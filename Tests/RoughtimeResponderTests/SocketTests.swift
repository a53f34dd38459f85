// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import Roughtime
import RoughtimeKeys
import Testing

@testable import RoughtimeResponder

@Suite("Sockets of a responder")
struct SocketTests {
    private static func path() -> String { "/tmp/assay-test-\(UInt64.random(in: 0 ... .max)).sock" }

    @Test("every socket is read by a worker, and every worker reads one of each address", arguments: 1...5, 1...5)
    func shares(_ workers: Int, _ sockets: Int) {
        var bound = BoundSockets()
        bound.datagram = [(0..<sockets).map(Int32.init), [100]]
        let read = (0..<workers).map { bound.sockets(worker: $0, of: workers) }
        #expect(Set(read.joined()) == Set(0..<Int32(sockets)).union([100]))
        for own in read {
            #expect(own.contains { $0 < 100 } && own.contains(100))
            #expect(Set(own).count == own.count)
        }
    }

    @Test("a flood of one socket does not keep another from being read")
    func fairness() throws {
        var options = ResponderOptions(workers: 1)
        options.addresses = [ListenAddress(host: "127.0.0.1", port: 0), ListenAddress(host: "127.0.0.1", port: 0)]
        options.listensOnTCP = false
        let bound = try BoundSockets.bind(options)
        defer { bound.closeAll() }
        let sockets = bound.sockets(worker: 0, of: 1)
        let queue = try #require(AnswerQueue())
        let worker = try Worker(
            sockets: sockets,
            queue: queue,
            rules: RequestRules(longTermPublicKeys: [[UInt8](repeating: 1, count: 32)]),
            holder: IdentityHolder(),
            clock: SigningClock(source: SystemClockSource(), rules: RadiusRules(), policy: .wide),
            options: options,
            metrics: ResponderMetrics(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let client = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(client) }
        func send(to server: Int32, _ count: Int) throws {
            let port = try #require(SocketAddress.port(server))
            let address = try #require(SocketAddress(host: "127.0.0.1", port: port))
            for _ in 0..<count { address.withPointer { _ = sendto(client, "x", 1, 0, $0, $1) } }
        }
        func waits(_ server: Int32) -> Bool {
            var byte: UInt8 = 0
            return recv(server, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) >= 0
        }
        for flooded in [0, 1] {
            try send(to: sockets[1 - flooded], 1)
            for _ in sockets {
                try send(to: sockets[flooded], AnswerBatch.capacity)
                #expect(worker.answerOnce())
            }
            #expect(!waits(sockets[1 - flooded]))
            while worker.answerOnce() {}
        }
    }

    @Test("a local socket that a dead process left is replaced; group and owner may ask, nobody else")
    func staleSocket() throws {
        let path = Self.path()
        defer { unlink(path) }
        close(try LocalSocket.listen(path))
        let socket = try LocalSocket.listen(path)
        defer { close(socket) }
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
    }

    @Test("a local socket that somebody listens on is not taken over, even when he is too busy to accept")
    func liveSocket() throws {
        let path = Self.path()
        let first = try LocalSocket.listen(path)
        defer {
            close(first)
            unlink(path)
        }
        #expect(throws: ResponderError.self) { try LocalSocket.listen(path) }
        // Nobody accepts, so the queue of connections fills up.
        listen(first, 0)
        #expect(throws: ResponderError.self) { try LocalSocket.listen(path) }
        #expect(throws: ResponderError.self) { try LocalSocket.listen(path) }
        var status = stat()
        #expect(lstat(path, &status) == 0)
    }

    @Test("a file or a link under the name of the local socket is left alone")
    func notASocket() throws {
        let path = Self.path()
        let target = path + ".target"
        defer {
            unlink(path)
            unlink(target)
        }
        try Data("precious".utf8).write(to: URL(filePath: target))
        #expect(symlink(target, path) == 0)
        #expect(throws: ResponderError.self) { try LocalSocket.listen(path) }
        #expect(try Data(contentsOf: URL(filePath: target)) == Data("precious".utf8))
        #expect(throws: ResponderError.self) { try LocalSocket.listen(target) }
        #expect(throws: ResponderError.self) { try LocalSocket.listen(String(repeating: "a", count: 108)) }
    }

    @Test(
        "a watchdog that is not ours, or asks for no time, is not fed",
        arguments: [
            ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "-5"], ["WATCHDOG_USEC": "1"], ["WATCHDOG_USEC": "x"],
            ["WATCHDOG_USEC": "99999999999999999999"], ["WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"],
            ["WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "me"], [:],
        ]
    )
    func watchdog(_ environment: [String: String]) {
        #expect(ServiceNotifier { environment[$0] }.watchdogInterval == nil)
    }

    @Test("a watchdog is fed twice as often as it asks")
    func watchdogInterval() {
        let environment = ["WATCHDOG_USEC": "1000000", "WATCHDOG_PID": String(getpid())]
        #expect(ServiceNotifier { environment[$0] }.watchdogInterval == .milliseconds(500))
    }

    @Test(
        "sockets that are not there, not ours or too many are not inherited",
        arguments: ["0", "-1", "x", "", "99999999999999999999"]
    )
    func noSockets(_ count: String) throws {
        let options = ResponderOptions(workers: 1)
        #expect(try SystemdSockets.inherited(options) { $0 == "LISTEN_FDS" ? count : nil } == nil)
        let other = ["LISTEN_FDS": "1", "LISTEN_PID": "1"]
        #expect(try SystemdSockets.inherited(options) { other[$0] } == nil)
        #expect(throws: ResponderError.self) {
            try SystemdSockets.inherited(options) { $0 == "LISTEN_FDS" ? "257" : nil }
        }
    }

    @Test("a notification goes nowhere when the address is none", arguments: ["", "@", "relative", "/", "@\u{0}"])
    func notify(_ path: String) {
        ServiceNotifier { $0 == "NOTIFY_SOCKET" ? path : nil }.notify("READY=1")
        ServiceNotifier { $0 == "NOTIFY_SOCKET" ? path + String(repeating: "a", count: 200) : nil }.notify("READY=1")
    }
}
