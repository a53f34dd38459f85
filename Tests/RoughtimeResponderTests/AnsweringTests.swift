// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Glibc
import Logging
import Roughtime
import RoughtimeLink
import ServiceLifecycle
import Testing

@testable import RoughtimeResponder

/// A responder on a free port of the loopback.
struct RunningResponder: Sendable {
    let responder: Responder
    let publicKey: [UInt8]
    let socketPath: String
    let holder: IdentityHolder

    var port: UInt16 { responder.udpPorts[0] }

    /// Runs a responder while the body runs.
    static func with(
        identity: Bool = true,
        greaseOneIn: Int = 0,
        workers: Int = 2,
        environment: [String: String] = [:],
        _ body: @escaping @Sendable (RunningResponder) async throws -> Void
    ) async throws {
        let longTerm = Curve25519.Signing.PrivateKey()
        let publicKey = Array(longTerm.publicKey.rawRepresentation)
        let holder = IdentityHolder(identity ? try Self.identity(longTerm) : nil)
        let path = "/tmp/assay-test-\(UInt64.random(in: 0 ... .max)).sock"
        let responder = try Responder(
            options: ResponderOptions(
                addresses: [ListenAddress(host: "127.0.0.1", port: 0)],
                localSocket: path,
                workers: workers,
                unsynchronised: .wide,
                greaseOneIn: greaseOneIn
            ),
            longTermPublicKey: publicKey,
            holder: holder,
            environment: { environment[$0] },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = RunningResponder(responder: responder, publicKey: publicKey, socketPath: path, holder: holder)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: responder)],
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(running)
            await group.triggerGracefulShutdown()
        }
    }

    /// An identity that may sign for so long from now.
    static func identity(
        _ longTerm: Curve25519.Signing.PrivateKey,
        seconds: Int64 = 86_400
    ) throws -> OnlineIdentity {
        let online = Curve25519.Signing.PrivateKey()
        let now = Int64(Date().timeIntervalSince1970 * 1e6)
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: now - 600_000_000,
                notAfter: now + seconds * 1_000_000,
                format: profile.timeFormat
            )
            certificates[profile] = try Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        return try OnlineIdentity(
            longTermPublicKey: Array(longTerm.publicKey.rawRepresentation),
            onlineKey: online,
            certificates: certificates
        )
    }

    func request(_ version: Version, key: [UInt8]? = nil) throws -> Request {
        let length = try #require(Profile.of(version)).nonceLength
        let nonce = (0..<length).map { _ in UInt8.random(in: 0...255) }
        return try #require(Request(versions: [version], nonce: nonce, serverKey: key ?? publicKey))
    }

    /// Sends datagrams from one socket and collects the answers, of which so many are expected.
    func udp(_ packets: [[UInt8]], expecting count: Int, patience: Int = 10) async -> [[UInt8]] {
        await onThread { [port] in Self.udp(packets, port, expecting: count, patience: patience) }
    }

    private static func udp(_ packets: [[UInt8]], _ port: UInt16, expecting count: Int, patience: Int) -> [[UInt8]] {
        let descriptor = Self.socket(SOCK_DGRAM, port, patience: patience)
        defer { close(descriptor) }
        for packet in packets { send(descriptor, packet, packet.count, 0) }
        var answers: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while answers.count < count {
            let length = recv(descriptor, &buffer, buffer.count, 0)
            guard length >= 0 else { break }
            answers.append(Array(buffer[..<length]))
        }
        return answers
    }

    static func socket(_ kind: __socket_type, _ port: UInt16, patience: Int = 10) -> Int32 {
        let descriptor = Glibc.socket(AF_INET, Int32(kind.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }
}

/// Runs what waits in system calls on a thread of its own: the few threads of tasks are needed by those it waits for.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}

@Suite("Answering")
struct AnsweringTests {
    @Test("every version is answered by UDP, and the answer verifies", arguments: Version.all)
    func udp(_ version: Version) async throws {
        try await RunningResponder.with { running in
            let requests = try (0..<5).map { _ in try running.request(version) }
            let answers = await running.udp(requests.map(\.packet), expecting: 5)
            #expect(answers.count == 5)
            let verifier = ResponseVerifier(longTermPublicKey: running.publicKey)
            for answer in answers {
                let matching = requests.compactMap { try? verifier.verify(answer, to: $0) }
                #expect(matching.count == 1)
                #expect(matching.first?.version == version)
                let now = Int128(Date().timeIntervalSince1970 * 1e6)
                #expect(matching.first.map { $0.earliest <= now && now <= $0.latest } == true)
            }
        }
    }

    @Test("frames by TCP are answered on the same connection, in any number")
    func tcp() async throws {
        try await RunningResponder.with { running in
            let requests = try (0..<40).map { try running.request($0.isMultiple(of: 2) ? .rfc10049 : .draft(8)) }
            let bytes = requests.flatMap(\.packet)
            let stream = await onThread {
                let descriptor = RunningResponder.socket(SOCK_STREAM, running.responder.tcpPorts[0])
                defer { close(descriptor) }
                send(descriptor, bytes, bytes.count, 0)
                var stream: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65_536)
                // How long an answer is depends on how many share its signature.
                while Self.frames(stream).count < 40 {
                    let length = recv(descriptor, &buffer, buffer.count, 0)
                    guard length > 0 else { break }
                    stream += buffer[..<length]
                }
                return stream
            }
            let verifier = ResponseVerifier(longTermPublicKey: running.publicKey)
            let verified = Self.frames(stream).filter { packet in
                requests.contains { (try? verifier.verify(packet, to: $0)) != nil }
            }
            #expect(verified.count == 40)
        }
    }

    /// The whole frames at the beginning of a stream.
    private static func frames(_ stream: [UInt8]) -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var rest = stream[...]
        while rest.count >= 12 {
            let length = 12 + Int(rest[rest.startIndex + 8]) + Int(rest[rest.startIndex + 9]) << 8
            guard rest.count >= length else { break }
            frames.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return frames
    }

    @Test("bytes that are no frame end a TCP connection, a request that gets no answer does not")
    func tcpGarbage() async throws {
        try await RunningResponder.with { running in
            // For another server's key: dropped, and the next is answered.
            let foreign = try running.request(.rfc10049, key: [UInt8](repeating: 1, count: 32)).packet
            let good = try running.request(.rfc10049).packet
            let lengths = await onThread { () -> [Int] in
                let descriptor = RunningResponder.socket(SOCK_STREAM, running.responder.tcpPorts[0])
                defer { close(descriptor) }
                send(descriptor, foreign + good, foreign.count + good.count, 0)
                var buffer = [UInt8](repeating: 0, count: 4096)
                let first = recv(descriptor, &buffer, buffer.count, 0)
                let garbage = Array("GET / HTTP/1.1\r\n\r\n".utf8)
                send(descriptor, garbage, garbage.count, Int32(MSG_NOSIGNAL))
                return [first, recv(descriptor, &buffer, buffer.count, 0)]
            }
            #expect(lengths == [464, 0])
        }
    }

    @Test("the gateway gets the answer, or the reason for none")
    func link() async throws {
        try await RunningResponder.with { running in
            let link = ResponderLink(path: running.socketPath)
            let request = try running.request(.rfc10049)
            let answer = try await link.answer(request.packet).get()
            #expect(throws: Never.self) {
                try ResponseVerifier(longTermPublicKey: running.publicKey).verify(answer, to: request)
            }
            let foreign = try running.request(.rfc10049, key: [UInt8](repeating: 1, count: 32))
            #expect(try await link.answer(foreign.packet) == .failure(.srv))
            #expect(try await link.status().udpPorts == [running.port])
            await link.shutDown()
        }
    }

    @Test("without a delegation, or near its end, nothing is signed")
    func noDelegation() async throws {
        try await RunningResponder.with(identity: false) { running in
            let link = ResponderLink(path: running.socketPath)
            let request = try running.request(.rfc10049)
            #expect(try await link.answer(request.packet) == .failure(.noDelegation))
            // A minute before its end a delegation is not used any more.
            let longTerm = Curve25519.Signing.PrivateKey()
            running.holder.replace(try RunningResponder.identity(longTerm, seconds: 59))
            let other = try running.request(.draft(8))
            #expect(try await link.answer(other.packet) == .failure(.noDelegation))
            running.holder.replace(try RunningResponder.identity(longTerm, seconds: 3600))
            #expect(try await link.answer(other.packet).get().count > 0)
            await link.shutDown()
        }
    }

    @Test("what is wrong is dropped in silence, and does not keep good requests waiting")
    func drops() async throws {
        try await RunningResponder.with { running in
            let good = try running.request(.rfc10049)
            let bad: [[UInt8]] = [
                [], [1], good.packet + [0, 0, 0, 0], Array(good.packet.dropLast(8)),
                [UInt8](repeating: 0, count: 1024), [UInt8](repeating: 0xff, count: 60_000),
            ]
            let answers = await running.udp(bad + [good.packet] + bad, expecting: 2, patience: 1)
            #expect(answers.count == 1)
        }
    }

    @Test("hundreds of requests at once are all answered, each for itself")
    func burst() async throws {
        try await RunningResponder.with(workers: 1) { running in
            let requests = try (0..<140).map { try running.request(Version.all[$0 % Version.all.count]) }
            let answers = await running.udp(requests.map(\.packet), expecting: 140)
            #expect(answers.count == 140)
            let verifier = ResponseVerifier(longTermPublicKey: running.publicKey)
            var open = requests
            for answer in answers {
                let index = open.firstIndex { (try? verifier.verify(answer, to: $0)) != nil }
                try open.remove(at: #require(index))
            }
            #expect(open.count == 0)
        }
    }
}
