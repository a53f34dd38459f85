// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FROST
import Foundation
import LightningPrimitives
import NIOCore
import NIOHTTP1
import Nostr
import Pomade
import Secp256k1
import ServerProcesses
import Synchronization

/// A registered session with what the other signer would say.
struct Session: Sendable {
    let client: SecretKey
    let group: RegisteredGroup
    let others: PomadeBody.Nonces
}

/// Clients that sign as fast, or as often, as asked.
enum Load {
    struct Rate {
        /// Microseconds for a signature.
        let cpu, perSecond: Double
    }

    struct Latencies {
        let milliseconds: [Double]

        func percentile(_ percent: Int) -> Double {
            let sorted = milliseconds.sorted()
            return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * percent / 100)]
        }
    }

    static let workers = 16

    static func register(_ count: Int, port: Int) async throws -> [Session] {
        var sessions: [Session] = []
        for _ in 0..<count {
            let dealing = try Dealing(splitting: .random(), threshold: 2, among: Identifier.first(3))
            var commits: [WireCommit] = []
            for share in dealing.shares {
                let bytes: Hex33 = try hex(share.publicShare.compressed)
                commits.append(
                    WireCommit(
                        idx: Int(share.identifier.number),
                        pubkey: bytes,
                        hiddenNonce: bytes,
                        binderNonce: bytes
                    )
                )
            }
            let wire = WireGroup(commits: commits, key: try hex(dealing.group.key.compressed), threshold: 2)
            let theirs = SigningNonces.generate(for: dealing.shares[1], suite: .pomade).commitment
            let session = Session(
                client: .random(),
                group: try RegisteredGroup(wire),
                others: PomadeBody.Nonces(
                    idx: 2,
                    hidden: try hex(theirs.hiding.compressed),
                    binder: try hex(theirs.binding.compressed)
                )
            )
            let body = PomadeBody.Register(share: WireShare(dealing.shares[0]), group: wire, recovery: true)
            let _: PomadeContent.Nothing = try await ask(.register, body, session.client, port, work: 1)
            sessions.append(session)
        }
        return sessions
    }

    /// Signs as fast as a few clients can.
    static func sign(
        _ sessions: [Session],
        port: Int,
        pid: Int32,
        seconds: Int
    ) async throws -> Rate {
        for session in sessions.prefix(50) { try await signature(session, port) }
        let cpu = try ProcessTime.seconds(of: pid)
        let start = ContinuousClock.now
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now - start < .seconds(seconds) {
                        try await signature(sessions[(worker + count * workers) % sessions.count], port)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let spent = try ProcessTime.seconds(of: pid) - cpu
        return Rate(
            cpu: spent * 1_000_000 / Double(count),
            perSecond: Double(count) / elapsed
        )
    }

    /// Signs at a fixed rate; what is late counts from when it was due.
    static func paced(
        _ sessions: [Session],
        port: Int,
        rate: Int,
        seconds: Int,
        hashes: Int
    ) async throws -> Latencies {
        let start = ContinuousClock.now + .milliseconds(100)
        let offset = hashes == 0 ? 0 : sessions.count / 2
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for index in 0..<hashes * seconds {
                let session = sessions[index % sessions.count]
                group.addTask {
                    try await Task.sleep(until: start + .milliseconds(1000 / hashes * index))
                    let body = PomadeBody.RecoverySetup(
                        email: "user\(index)@example.com",
                        passwordHash: Hex32.random().description
                    )
                    let _: PomadeContent.Nothing = try await ask(.recoverySetup, body, session.client, port)
                    return []
                }
            }
            for index in 0..<rate * seconds {
                let due = start + .nanoseconds(1_000_000_000 / rate * index)
                let session = sessions[(index + offset) % sessions.count]
                group.addTask {
                    try await Task.sleep(until: due)
                    try await signature(session, port)
                    return [(ContinuousClock.now - due) / .milliseconds(1)]
                }
            }
            return Latencies(milliseconds: try await group.reduce(into: []) { $0 += $1 })
        }
    }

    /// Microseconds of the echo's processor time for two requests as large as a signature's.
    static func echo(port: Int, pid: Int32, seconds: Int) async throws -> Double {
        let cpu = try ProcessTime.seconds(of: pid)
        let start = ContinuousClock.now
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now - start < .seconds(seconds) {
                        for size in [16, 1000] {
                            var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/echo")
                            request.method = .POST
                            request.headers.add(name: "Authorization", value: String(repeating: "A", count: 700))
                            request.body = .bytes(ByteBuffer(repeating: 7, count: size))
                            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
                            let answer = try await response.body.collect(upTo: 1 << 16)
                            guard response.status == .ok, answer.readableBytes == size else {
                                throw BenchmarkError("the echo answered \(response.status)")
                            }
                        }
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return try (ProcessTime.seconds(of: pid) - cpu) * 1_000_000 / Double(count)
    }

    /// Both rounds with one signer; the other's nonces are made up, so no signature comes out, but its part does.
    private static func signature(_ session: Session, _ port: Int) async throws {
        let committed: PomadeContent.Result<PomadeContent.Commitment> = try await ask(
            .signCommit,
            PomadeBody.Commit(members: [1, 2]),
            session.client,
            port
        )
        let commitment = committed.result
        let hash = Hex32.random()
        let members = [1, 2].compactMap { Identifier($0) }
        let sid = PomadeRequest.sessionID(
            groupID: session.group.id,
            members: members,
            hashes: hash.bytes,
            content: nil,
            kind: "message",
            stamp: 1
        )
        let request = PomadeBody.SignatureRequest(
            content: nil,
            hash: [hash],
            members: [1, 2],
            stamp: 1,
            type: "message",
            gid: try hex(session.group.id),
            sid: try hex(sid)
        )
        let own = PomadeBody.Nonces(idx: 1, hidden: commitment.hidden, binder: commitment.binder)
        let body = PomadeBody.Complete(commitID: commitment.commitID, request: request, nonces: [own, session.others])
        let _: PomadeContent.Result<PomadeContent.Partial> = try await ask(.signComplete, body, session.client, port)
    }

    private static func ask<Content: Decodable & Sendable>(
        _ route: SignerRoute,
        _ body: some Encodable,
        _ client: SecretKey,
        _ port: Int,
        work: Int = 0
    ) async throws -> Content {
        let bytes = Array(try JSONEncoder().encode(body))
        var event = HTTPAuthorization.event(
            key: NostrKey(client),
            url: SignerProcess.url + route.rawValue,
            body: bytes,
            createdAt: Int64(Date().timeIntervalSince1970)
        )
        if work > 0, let mined = event.mined(bits: work) { event = mined }
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(route.rawValue)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Authorization", value: HTTPAuthorization.header(event.signed(by: client)))
        request.body = .bytes(ByteBuffer(bytes: bytes))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(15))
        let answer = try await response.body.collect(upTo: 1 << 20)
        let read = try JSONDecoder().decode(PomadeAnswer<Content>.self, from: Data(answer.readableBytesView))
        guard let content = read.content else {
            throw BenchmarkError("\(route.rawValue): \(read.code ?? "") \(read.message)")
        }
        return content
    }

    private static func hex<let count: Int>(_ bytes: [UInt8]) throws -> HexBytes<count> {
        guard let bytes = HexBytes<count>(bytes) else { throw BenchmarkError("not \(count) bytes") }
        return bytes
    }
}
