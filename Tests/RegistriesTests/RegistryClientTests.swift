// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import IPAddresses
import Logging
import NIOCore
import OutboundHTTP
import Registries
import Synchronization
import Testing

/// The clients against a directory on the loopback.
struct RegistryClientTests {
    /// Runs a directory whose answers a closure gives, by path and query.
    private static func withDirectory(
        _ answer: @escaping @Sendable (String) -> (Int, [UInt8]),
        _ body: @escaping @Sendable (_ base: String, RegistryClient) async throws -> Void
    ) async throws {
        let router = Router()
        router.get("/**") { request, _ in
            let (status, bytes) = answer(request.uri.string)
            return Response(status: .init(code: status), body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        let (ports, found) = AsyncStream<Int>.makeStream()
        let server = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in found.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let client = RegistryClient(
            OutboundHTTPClient(
                policy: AddressPolicy(allowed: [IPNetwork("127.0.0.0/8")].compactMap { $0 }),
                limiter: HostLimiter(pause: .zero)
            )
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            for await port in ports {
                try await body("http://127.0.0.1:\(port)", client)
                break
            }
            group.cancelAll()
        }
    }

    private static func rows(_ range: Range<Int>) -> [UInt8] {
        let rows = range.map { #"{"url":"https://h\#($0).example/","protocol":"L402","price_sats":1}"# }
        return Array(#"{"services":[\#(rows.joined(separator: ","))]}"#.utf8)
    }

    @Test("all pages of 402index are read, in order")
    func paging() async throws {
        let asked = Mutex<[String]>([])
        try await Self.withDirectory({ target in
            asked.withLock { $0.append(target) }
            let offset = Int(target.split(separator: "offset=").last ?? "") ?? 0
            return (200, Self.rows(offset..<min(offset + 100, 250)))
        }) { base, client in
            let run = await client.index402(base + "/")
            #expect(run.services.count == 250 && run.pages == 3 && run.interruption == nil)
        }
        let offsets = [0, 100, 200].map { "/api/v1/services?protocol=L402&limit=100&offset=\($0)" }
        #expect(asked.withLock { $0 } == offsets)
    }

    @Test("a page that fails ends the run, and what came before it counts")
    func failure() async throws {
        for failure: (Int, [UInt8]) in [
            (500, []), (200, Array("<html>".utf8)), (200, [UInt8](repeating: 0x20, count: 2 << 20)), (302, []),
        ] {
            try await Self.withDirectory({ target in
                target.hasSuffix("offset=0") ? (200, Self.rows(0..<100)) : failure
            }) { base, client in
                let run = await client.index402(base)
                #expect(run.services.count == 100 && run.pages == 1 && run.interruption != nil)
            }
        }
    }

    @Test("a directory that never ends is left")
    func endless() async throws {
        try await Self.withDirectory({ _ in (200, Self.rows(0..<100)) }) { base, client in
            let run = await client.index402(base)
            #expect(run.pages == 2 && run.interruption == nil)
        }
    }

    @Test("l402.directory is read in one answer")
    func directory() async throws {
        let body = try RegistryReadingTests.fixture("l402-directory")
        try await Self.withDirectory({ target in target == "/api/services?status=all" ? (200, body) : (404, []) }) {
            base,
            client in
            let run = await client.l402Directory(base)
            #expect(!run.services.isEmpty && run.interruption == nil)
            let other = await client.l402Directory(base + "/other")
            #expect(other.services.isEmpty && other.interruption != nil)
        }
    }

    @Test("a directory inside our own network is not asked")
    func inside() async throws {
        let client = RegistryClient(OutboundHTTPClient(policy: AddressPolicy()))
        let run = await client.index402("http://127.0.0.1:9091")
        #expect(run.pages == 0 && run.interruption?.description.contains("public internet") == true)
    }
}
