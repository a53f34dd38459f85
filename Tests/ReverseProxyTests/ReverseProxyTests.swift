// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOPosix
import ReverseProxy
import Synchronization
import TLSTestSupport
import Testing

@Suite("Forwarding requests")
struct ReverseProxyTests {
    private func target(_ port: Int) -> UpstreamTarget {
        UpstreamTarget(isSecure: false, host: "127.0.0.1", port: port)
    }

    private func get(_ path: String = "/", query: String? = nil) -> UpstreamRequest {
        UpstreamRequest(method: .get, path: path, query: query, headers: [:])
    }

    private func failure(_ work: () async throws(UpstreamError) -> UpstreamResponse) async -> UpstreamError? {
        do throws(UpstreamError) {
            _ = try await work()
            return nil
        } catch {
            return error
        }
    }

    /// Answers every request with its own head.
    @Sendable private func mirror(_ connection: inout Connection) async throws {
        while let head = try await connection.read(until: "\r\n\r\n") {
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(head.utf8.count)\r\nX-A: b\r\n\r\n\(head)")
        }
    }

    private func text(_ response: UpstreamResponse) async throws -> String {
        var whole = ByteBuffer()
        for try await part in response.body { whole.writeImmutableBuffer(part) }
        return String(buffer: whole)
    }

    @Test("method, path and query arrive as they are, and the answer comes back")
    func plain() async throws {
        try await withBackend(serve: mirror) { port in
            let proxy = try ReverseProxy(target: target(port))
            let response = try await proxy.forward(get("/a%2Fb/c%20d", query: "x=[1]&y=%5B2%5D&z=a b"))
            #expect(response.status == .ok)
            #expect(response.headers.contains { $0.name.canonicalName == "x-a" && $0.value == "b" })
            let seen = try await text(response)
            #expect(seen.hasPrefix("GET /a%2Fb/c%20d?x=%5B1%5D&y=%5B2%5D&z=a%20b HTTP/1.1\r\n"), "\(seen)")
            #expect(seen.contains("Host: 127.0.0.1:\(port)") || seen.contains("host: 127.0.0.1:\(port)"))
        }
    }

    @Test("a body streams to the backend while its answer streams back, and neither is collected")
    func streaming() async throws {
        try await withBackend { connection in
            _ = try await connection.read(until: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while let size = try await connection.read(until: "\r\n"), size != "0\r\n" {
                let data = try await connection.read(until: "\r\n") ?? ""
                try await connection.write(size + data)
            }
            try await connection.write("0\r\n\r\n")
        } _: { port in
            let proxy = try ReverseProxy(target: target(port))
            let (upload, continuation) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
            var request = UpstreamRequest(method: .post, path: "/", headers: [:], body: upload)
            request.bodyLimit = 100
            continuation.yield(ByteBuffer(string: "first"))
            let response = try await proxy.forward(request)
            var parts = response.body.makeAsyncIterator()
            #expect(try await parts.next().map { String(buffer: $0) } == "first")
            // Only now is there more to send: the answer to the first part came before.
            continuation.yield(ByteBuffer(string: "second"))
            #expect(try await parts.next().map { String(buffer: $0) } == "second")
            continuation.finish()
            #expect(try await parts.next() == nil)
        }
    }

    @Test("a body that is larger than allowed or breaks off is the client's fault")
    func bodies() async throws {
        struct Broken: Error {}
        try await withBackend(serve: mirror) { port in
            let proxy = try ReverseProxy(target: target(port))
            let (large, sender) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
            sender.yield(ByteBuffer(string: "12345"))
            sender.yield(ByteBuffer(string: "67890"))
            let tooLarge = UpstreamRequest(
                method: .post,
                path: "/",
                headers: [:],
                body: large,
                bodyLength: 20,
                bodyLimit: 9
            )
            #expect(
                await failure { () async throws(UpstreamError) in try await proxy.forward(tooLarge) }
                    == .requestBodyTooLarge
            )
            let broken = AsyncThrowingStream<ByteBuffer, any Error> { throw Broken() }
            let half = UpstreamRequest(method: .post, path: "/", headers: [:], body: broken, bodyLength: 20)
            #expect(
                await failure { () async throws(UpstreamError) in try await proxy.forward(half) } == .requestBodyBroken
            )
        }
    }

    @Test("a backend that is not there, silent, or speaks something else is told apart")
    func failures() async throws {
        // tcpmux: nobody listens there, and no other test can be given the port meanwhile.
        let gone = try ReverseProxy(target: target(1))
        guard case .unreachable = await failure({ () async throws(UpstreamError) in try await gone.forward(get()) })
        else {
            Issue.record("a closed port is not unreachable")
            return
        }
        try await withBackend { connection in
            let head = try await connection.read(until: "\r\n\r\n") ?? ""
            if head.hasPrefix("GET /silent") { _ = try await connection.read(until: "never") }
            try await connection.write("SMTP?\r\n\r\n")
        } _: { port in
            var impatient = target(port)
            impatient.responseTimeout = .milliseconds(50)
            impatient.connectTimeout = .seconds(20)
            let proxy = try ReverseProxy(target: impatient)
            let silence = await failure { () async throws(UpstreamError) in try await proxy.forward(get("/silent")) }
            #expect(silence == .timedOut(.response))
            let patient = try ReverseProxy(target: target(port))
            let held = await failure { () async throws(UpstreamError) in
                try await patient.forward(get("/silent"), atMost: .milliseconds(50))
            }
            #expect(held == .timedOut(.total))
            guard
                case .badAnswer = await failure({ () async throws(UpstreamError) in try await patient.forward(get("/x"))
                })
            else {
                Issue.record("an answer that is not HTTP is not a bad answer")
                return
            }
        }
    }

    @Test("a kept connection that the backend closes is no reason to fail a request that may be repeated")
    func repeated() async throws {
        let connections = Mutex(0)
        try await withBackend { connection in
            let number = connections.withLock { count in
                count += 1
                return count
            }
            _ = try await connection.read(until: "\r\n\r\n")
            // The first connection ends without an answer.
            if number > 1 { try await connection.write("HTTP/1.1 204 No Content\r\n\r\n") }
        } _: { port in
            let proxy = try ReverseProxy(target: target(port))
            #expect(try await proxy.forward(get()).status == .noContent)
            #expect(connections.withLock(\.self) == 2)
        }
    }

    @Test("TLS is verified against the authorities given, and for the name asked for")
    func tls() async throws {
        let authority = try TestAuthority(serverName: "backend.example")
        let other = try TestAuthority(serverName: "backend.example")
        try await withBackend(tls: try authority.serverContext, serve: mirror) { port in
            var secure = UpstreamTarget(isSecure: true, host: "127.0.0.1", port: port)
            secure.serverName = "backend.example"
            secure.authorities = Array(authority.authorityPEM.utf8)
            let response = try await ReverseProxy(target: secure).forward(get())
            #expect(try await text(response).contains("backend.example:\(port)"))

            var wrongName = secure
            wrongName.serverName = "other.example"
            var address = secure
            address.serverName = nil
            var wrongAuthority = secure
            wrongAuthority.authorities = Array(other.authorityPEM.utf8)
            var system = secure
            system.authorities = nil
            for target in [wrongName, address, wrongAuthority, system] {
                let proxy = try ReverseProxy(target: target)
                let error = await failure { () async throws(UpstreamError) in try await proxy.forward(get()) }
                guard case .tls = error else {
                    Issue.record("not refused because of TLS: \(String(describing: error))")
                    continue
                }
                let upgraded = try? await proxy.upgrade(get(), on: MultiThreadedEventLoopGroup.singleton.next())
                #expect(upgraded == nil)
            }
        }
    }

    @Test("authorities that are not certificates are refused at once")
    func notCertificates() {
        var target = UpstreamTarget(isSecure: true, host: "h", port: 1)
        target.authorities = Array("hello".utf8)
        #expect(throws: UpstreamError.self) { try ReverseProxy(target: target) }
    }

    @Test("an upgrade that the backend refuses is an answer like any other")
    func refusedUpgrade() async throws {
        try await withBackend { connection in
            _ = try await connection.read(until: "\r\n\r\n")
            try await connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        } _: { port in
            let proxy = try ReverseProxy(target: target(port))
            let answer = try await proxy.upgrade(get("/socket"), on: MultiThreadedEventLoopGroup.singleton.next())
            guard case .refused(let response) = answer else {
                Issue.record("upgraded")
                return
            }
            #expect(response.status == .forbidden)
            #expect(try await text(response) == "no")
        }
    }

    @Test("a tunnel that nobody uses ends when its idle time is over, and one nobody runs when it is closed")
    func tunnels() async throws {
        try await withBackend { connection in
            _ = try await connection.read(until: "\r\n\r\n")
            try await connection.write(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            )
            _ = try await connection.read(until: "never")
        } _: { port in
            var brief = target(port)
            brief.tunnelIdleTimeout = .milliseconds(20)
            let proxy = try ReverseProxy(target: brief)
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            guard case .upgraded(let idle) = try await proxy.upgrade(get("/idle"), on: loop),
                case .upgraded(let unused) = try await proxy.upgrade(get("/unused"), on: loop)
            else {
                Issue.record("not upgraded")
                return
            }
            #expect(idle.head.headerFields[.upgrade] == "websocket")
            await idle.run()
            unused.close()
            await unused.run()
        }
    }
}
