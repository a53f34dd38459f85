// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import ServerProcesses

/// Clients that ask as fast, or as often, as told.
struct Load: Sendable {
    struct Rate {
        /// Microseconds of the server's processor time for one call.
        let cpu: Double
        let perSecond: Double
    }

    struct Latencies {
        let milliseconds: [Double]

        func percentile(_ percent: Int) -> Double {
            let sorted = milliseconds.sorted()
            return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * percent / 100)]
        }
    }

    static let workers = 16
    /// Something to ask; the number is that of the call.
    typealias Call = @Sendable (Int) async throws -> Void

    /// Asks as fast as a few clients can, for some time or until all calls are made.
    static func saturate(
        pid: Int32,
        seconds: Int,
        calls: Int = .max,
        _ call: @escaping Call
    ) async throws -> Rate {
        let cpu = try ProcessTime.seconds(of: pid)
        let start = ContinuousClock.now
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now - start < .seconds(seconds), worker + count * workers < calls {
                        try await call(worker + count * workers)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let spent = try ProcessTime.seconds(of: pid) - cpu
        return Rate(cpu: spent * 1_000_000 / Double(count), perSecond: Double(count) / elapsed)
    }

    /// Asks at a fixed rate; what is late counts from when it was due.
    static func paced(rate: Int, seconds: Int, _ call: @escaping Call) async throws -> Latencies {
        let start = ContinuousClock.now + .milliseconds(100)
        return try await withThrowingTaskGroup(of: Double.self) { group in
            for index in 0..<rate * seconds {
                let due = start + .nanoseconds(1_000_000_000 / rate * index)
                group.addTask {
                    try await Task.sleep(until: due)
                    try await call(index)
                    return (ContinuousClock.now - due) / .milliseconds(1)
                }
            }
            return Latencies(milliseconds: try await group.reduce(into: []) { $0.append($1) })
        }
    }
}

/// A client of a node, or of what is measured beside it.
struct NodeClient: Sendable {
    let port: Int

    private struct Committed: Decodable {
        struct Content: Decodable {
            let key: String

            enum CodingKeys: String, CodingKey { case key = "node_pubkey" }
        }

        let data: Content
    }

    /// Version 1: one share.
    func get(_ token: String, publicKey: String) async throws {
        let body = #"{"auth_type":"google","curve_type":"secp256k1","public_key":"\#(publicKey)"}"#
        try await post("/keyshare/v1/", body, token)
    }

    func register(_ token: String, publicKey: String, share: String) async throws {
        let body = """
            {"auth_type":"google","curve_type":"secp256k1","public_key":"\(publicKey)","share":"\(share)"}
            """
        try await post("/keyshare/v1/register", body, token)
    }

    /// Version 2 within a session of its own: two requests.
    func reveal(_ token: String, publicKey: String) async throws {
        let (session, key) = (UUID().uuidString.lowercased(), Curve25519.Signing.PrivateKey())
        let hash = Self.hex(SHA256.hash(data: Array("google\(token)".utf8)))
        let commit = """
            {"session_id":"\(session)","operation_type":"sign_in","id_token_hash":"\(hash)",\
            "client_ephemeral_pubkey":"\(Self.hex(key.publicKey.rawRepresentation))"}
            """
        let answer = try await post("/keyshare/v2/commit", commit, nil)
        let node = try JSONDecoder().decode(Committed.self, from: answer).data.key
        let text = "\(node)\(session)google\(token)sign_inget_key_shares"
        let signature = Self.hex(try key.signature(for: Data(SHA256.hash(data: Array(text.utf8)))))
        let body = """
            {"auth_type":"google","wallets":{"secp256k1":"\(publicKey)"},\
            "cr_session_id":"\(session)","cr_signature":"\(signature)"}
            """
        try await post("/keyshare/v2/", body, token)
    }

    @discardableResult
    func post(_ path: String, _ body: String, _ token: String?) async throws -> Data {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let answer = Data((try await response.body.collect(upTo: 1 << 20)).readableBytesView)
        guard response.status == .ok else {
            throw BenchmarkError("\(path): \(String(decoding: answer, as: UTF8.self))")
        }
        return answer
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
