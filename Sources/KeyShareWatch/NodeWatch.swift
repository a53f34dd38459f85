// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
internal import Crypto
public import Foundation
public import Logging
internal import Metrics
internal import NIOCore
internal import NIOHTTP1
public import Postgres
public import ServiceLifecycle

/// Watches key share nodes: takes their reports, asks each for its status every minute, and says when something is wrong.
public final class NodeWatch: Service {
    /// Why a report is not taken.
    public enum Refusal: Error, Sendable, Hashable {
        /// The password is missing, or no node's.
        case unauthorized
        /// The signature is not of the key that reports.
        case forged
        case malformed
    }

    /// What a report says.
    public struct Report: Sendable, Hashable {
        /// 32 bytes.
        public let publicKey: [UInt8]
        /// `nil` when the node could not count.
        public let shares: Int64?
        public let isDatabaseOK: Bool

        /// Reads `{public_key, key_share_count, payload: {db_status, error_msg?}}`; `nil` for anything else.
        public init?(json: [UInt8]) {
            struct Wire: Decodable {
                struct Payload: Decodable { let db_status: String }
                let public_key: String
                let key_share_count: Int64
                let payload: Payload
            }
            guard json.count <= 65_536, JSONNesting.isShallow(json, limit: 4), StrictJSON.isStrict(json),
                let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)),
                let key = Hex.decode(wire.public_key), key.count == 32,
                wire.payload.db_status == "OK" || wire.payload.db_status == "ERROR"
            else { return nil }
            publicKey = key
            shares = wire.key_share_count < 0 ? nil : wire.key_share_count
            isDatabaseOK = wire.payload.db_status == "OK"
        }
    }

    public let nodes: [WatchedNode]
    private let records: NodeRecords
    private let interval: Duration
    private let now: @Sendable () -> Date
    private let logger: Logger

    /// - Parameters:
    ///   - client: of the gateway's database.
    ///   - interval: between two questions to a node.
    public init(
        nodes: [WatchedNode],
        client: PostgresClient,
        interval: Duration = .seconds(60),
        clock: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.nodes = nodes
        records = NodeRecords(client: client)
        self.interval = interval
        now = clock
        self.logger = logger
    }

    /// How all nodes do, in the order of the file.
    public func health() async throws(PostgresError) -> [NodeHealth] { try await records.health(nodes, at: now()) }

    // MARK: Reports

    /// Takes a report in.
    ///
    /// A report with the key of no node that is known is ignored: it may be another group's.
    /// - Parameters:
    ///   - body: as it arrived, which is what a signature is about.
    ///   - signature: 128 hexadecimal digits; `nil` for nodes that sign nothing.
    /// - Throws: ``Refusal`` or `PostgresError`.
    public func take(_ body: [UInt8], password: String?, signature: String?) async throws {
        guard let node = node(password) else { throw Refusal.unauthorized }
        guard let report = Report(json: body) else { throw Refusal.malformed }
        if let signature {
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: report.publicKey)
            guard let key, let bytes = Hex.decode(signature), key.isValidSignature(bytes, for: body) else {
                throw Refusal.forged
            }
        }
        if let expected = node.publicKey, expected != report.publicKey {
            logger.warning("a key share node reports with another key", metadata: ["node": "\(node.name)"])
            return
        }
        let before = try await records.report(
            node.name,
            publicKey: report.publicKey,
            shares: report.shares,
            isDatabaseOK: report.isDatabaseOK,
            at: now()
        )
        Counter(label: "ks_node_reports_total", dimensions: [("node", node.name)]).increment()
        if let before, let shares = report.shares, shares < before {
            logger.error(
                "a key share node has fewer shares than before",
                metadata: ["node": "\(node.name)", "shares": "\(shares)", "before": "\(before)"]
            )
        }
        if !report.isDatabaseOK {
            logger.warning("a key share node has no database", metadata: ["node": "\(node.name)"])
        }
    }

    /// Whose password it is; every one is compared, so that time tells nothing.
    private func node(_ password: String?) -> WatchedNode? {
        let given = Array(SHA256.hash(data: Array((password ?? "").utf8)))
        var found: WatchedNode?
        for node in nodes where constantTimeEqual(given, Array(SHA256.hash(data: Array(node.secret.utf8)))) {
            found = node
        }
        return found
    }

    // MARK: Questions

    /// Asks every node again and again until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            while !Task.isCancelled {
                await self.ask()
                if round.isMultiple(of: 60) { try? await self.records.forgetOld(self.now()) }
                round += 1
                try? await Task.sleep(for: self.interval)
            }
        }
    }

    /// Asks every node once, all at the same time.
    func ask() async {
        await withTaskGroup(of: Void.self) { group in
            for node in nodes {
                guard let url = node.url else { continue }
                group.addTask { await self.ask(node, url) }
            }
        }
        await warn()
    }

    private func ask(_ node: WatchedNode, _ url: String) async {
        struct Answer: Decodable { let version: String }
        var (isServing, version): (Bool, String?) = (false, nil)
        do {
            let request = HTTPClientRequest(url: url + "/status?ready=1")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            let body = try await response.body.collect(upTo: 65_536)
            version = (try? JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)))?.version
            isServing = response.status == .ok && version != nil
        } catch {
            logger.debug("a key share node does not answer", metadata: ["node": "\(node.name)"])
        }
        Gauge(label: "ks_node_serving", dimensions: [("node", node.name)]).record(isServing ? 1 : 0)
        do {
            try await records.asked(
                node.name,
                isServing: isServing,
                version: version.map { String($0.prefix(64)) },
                at: now()
            )
        } catch {
            logger.warning("how a key share node does was not written down", metadata: ["error": "\(error)"])
        }
    }

    /// Says which nodes reported once and have been silent for ten minutes.
    private func warn() async {
        guard let all = try? await health() else { return }
        for node in all {
            let isSilent = node.reportedAt.map { now().timeIntervalSince($0) >= NodeRecords.silence } ?? false
            Gauge(label: "ks_node_silent", dimensions: [("node", node.name)]).record(isSilent ? 1 : 0)
            if isSilent { logger.warning("a key share node is silent", metadata: ["node": "\(node.name)"]) }
        }
    }
}
