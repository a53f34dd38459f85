// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ByteCoding
import Foundation
import LightningPrimitives
import Logging
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import Synchronization

@testable import LightningSandbox

/// A clock that stands still until it is moved.
final class TestClock: SandboxClock {
    private let time: Mutex<Int64>

    init(_ seconds: Int64 = 1_795_229_137) { time = Mutex(seconds * 1_000_000_000) }

    var nowNs: Int64 { time.withLock { $0 } }

    func advance(seconds: Int64) { time.withLock { $0 += seconds * 1_000_000_000 } }
}

/// A directory that is removed with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "assay-sandbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A complete answer.
struct Answer {
    let status: Int
    let headers: [String: String]
    let body: Data

    var json: Any { (try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed)) ?? NSNull() }
    var object: [String: Any] { json as? [String: Any] ?? [:] }
    var message: String { object["message"] as? String ?? "" }

    var lines: [[String: Any]] {
        body.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONSerialization.jsonObject(with: Data($0)) as? [String: Any]
        }
    }
}

/// One node as its callers see it: an address, a certificate and macaroons.
struct NodeCaller: Sendable {
    let info: SandboxAccountInfo
    let http: HTTPClient

    /// Sends a request; `macaroon` is the header's text.
    func send(
        _ method: String,
        _ path: String,
        macaroon: String?,
        body: Data? = nil
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: info.restURL + path)
        request.method = .RAW(value: method)
        if let macaroon { request.headers.add(name: "Grpc-Metadata-macaroon", value: macaroon) }
        if let body { request.body = .bytes(ByteBuffer(data: body)) }
        return try await http.execute(request, timeout: .seconds(30))
    }

    func call(
        _ method: String,
        _ path: String,
        macaroon: String?,
        body: [String: Any]? = nil,
        raw: Data? = nil
    ) async throws -> Answer {
        let data = try raw ?? body.map { try JSONSerialization.data(withJSONObject: $0) }
        let response = try await send(method, path, macaroon: macaroon, body: data)
        let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        let buffer = try await response.body.collect(upTo: 64 << 20)
        return Answer(status: Int(response.status.code), headers: headers, body: Data(buffer: buffer))
    }

    func macaroon(_ role: MacaroonRole) throws -> String {
        let path =
            switch role {
            case .admin: info.adminMacaroonPath
            case .invoice: info.invoiceMacaroonPath
            case .readonly: info.readonlyMacaroonPath
            case .pay: info.payMacaroonPath
            }
        return Hex.encode(Array(try Data(contentsOf: URL(filePath: path))))
    }

    /// Calls with the admin macaroon.
    func admin(_ method: String, _ path: String, body: [String: Any]? = nil) async throws -> Answer {
        try await call(method, path, macaroon: try macaroon(.admin), body: body)
    }

    func addInvoice(_ body: [String: Any]) async throws -> (hash: [UInt8], request: String) {
        let answer = try await admin("POST", "/v1/invoices", body: body).object
        guard let hash = Base64.decode(answer["r_hash"] as? String ?? ""), !hash.isEmpty else {
            throw SandboxError(.stopped, "no invoice: \(answer)")
        }
        return (hash, answer["payment_request"] as? String ?? "")
    }

    /// Pays and returns the last update.
    func pay(_ request: String, amount: Int? = nil) async throws -> [String: Any] {
        var body: [String: Any] = ["payment_request": request, "timeout_seconds": 5, "no_inflight_updates": true]
        if let amount { body["amt"] = String(amount) }
        let answer = try await admin("POST", "/v2/router/send", body: body)
        return answer.lines.last?["result"] as? [String: Any] ?? answer.lines.last ?? [:]
    }

    func balance() async throws -> Int64 {
        let local = try await admin("GET", "/v1/balance/channels").object["local_balance"] as? [String: Any]
        return Int64(local?["msat"] as? String ?? "") ?? -1
    }
}

/// Runs a sandbox for the length of a test.
func withSandbox(
    _ names: [String] = ["merchant", "payer"],
    directory: String? = nil,
    graphFile: String? = nil,
    network: BitcoinNetwork = .regtest,
    clock: any SandboxClock = TestClock(),
    _ body: @escaping @Sendable ([String: NodeCaller]) async throws -> Void
) async throws {
    let temporary = try TemporaryDirectory()
    let configuration = SandboxConfiguration(
        directory: directory ?? temporary.path,
        accounts: names.map { .init(name: $0, balance: .sat(10_000_000)) },
        graphFile: graphFile,
        network: network
    )
    let logger = Logger(label: "sandbox") { _ in SwiftLogNoOpLogHandler() }
    let sandbox = Sandbox(configuration: configuration, logger: logger, clock: clock)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try? await sandbox.run() }
        let infos = try await sandbox.ready()
        var callers: [String: NodeCaller] = [:]
        for info in infos {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(info.tlsCertPath)
            let http = HTTPClient(configuration: .init(tlsConfiguration: tls))
            callers[info.name] = NodeCaller(info: info, http: http)
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(callers)) } catch { result = .failure(error) }
        for caller in callers.values { try await caller.http.shutdown() }
        group.cancelAll()
        try await group.waitForAll()
        try result.get()
    }
    _ = temporary
}
