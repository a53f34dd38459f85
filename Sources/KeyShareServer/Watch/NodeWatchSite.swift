// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Deadlines
internal import Foundation
internal import HTTPEdge
internal import HTTPTypes
public import Hummingbird
public import IPAddresses
internal import KeyShareProtocol
public import KeyShareWatch
public import Logging
internal import NIOCore
internal import RequestLimits

/// Takes the reports of key share nodes in, and shows how they do.
///
/// `POST /tss/v1/ks_node/telemetry` as Oko's nodes send it, and `GET /ks/v1/nodes`.
public struct NodeWatchSite: Sendable {
    public static let nodesPath = "/ks/v1/nodes"

    private let watch: NodeWatch
    private let addressRule: ClientAddressRule
    private let limits: RequestWindow
    private let logger: Logger

    /// - Parameter requestsPerMinute: of one address.
    public init(watch: NodeWatch, trustedProxies: [IPNetwork], requestsPerMinute: Int = 100, logger: Logger) {
        self.watch = watch
        addressRule = ClientAddressRule(trustedProxies: trustedProxies)
        limits = RequestWindow(limit: requestsPerMinute)
        self.logger = logger
    }

    /// Whether a request that came to a shared port is to this site.
    public func takes(_ request: Request) -> Bool {
        request.uri.path == TelemetryReport.path || request.uri.path == Self.nodesPath
    }

    /// Answers one request; there is an answer to everything.
    public func respond(to request: Request, peer: IPAddress?) async -> Response {
        let client = addressRule.client(peer: peer, headers: request.headers)
        let standing = limits.take(client, now: MonotonicSeconds.now())
        var response: Response
        do throws(KeyShareFailure) {
            guard standing.isAllowed else { throw KeyShareSite.tooMany(limits.window) }
            response = try await answer(request)
        } catch {
            response = SiteAnswer.failure(error)
        }
        for field in StandardFields.all + Array(standing.fields) { response.headers[field.name] = field.value }
        response.headers[.requestID] = RequestID.of(request.headers[.requestID])
        return response
    }

    private func answer(_ request: Request) async throws(KeyShareFailure) -> Response {
        if request.uri.path == Self.nodesPath {
            guard request.method == .get else { throw KeyShareFailure(.methodNotAllowed, "This path answers GET") }
            do { return SiteAnswer.success(KeyShareAnswer.success(try await watch.health().map(Row.init))) } catch {
                throw KeyShareFailure(.unknownError, "The nodes cannot be looked up now: try again later")
            }
        }
        guard request.method == .post else { throw KeyShareFailure(.methodNotAllowed, "This path answers POST") }
        guard FramingGuard.isClear(request.headers) else {
            throw KeyShareFailure(.invalidRequest, "The only Transfer-Encoding understood is: chunked")
        }
        let body: [UInt8]
        do {
            let source = request.body
            body = try await withDeadline(.seconds(15)) { Array(buffer: try await source.collect(upTo: 65_536)) }
        } catch is NIOTooManyBytesError {
            throw KeyShareFailure(.payloadTooLarge, "a report has at most 65536 bytes")
        } catch {
            throw KeyShareFailure(.invalidRequest, "the report did not arrive whole")
        }
        try await take(body, request.headers)
        return SiteAnswer.success(KeyShareAnswer.empty)
    }

    private func take(_ body: [UInt8], _ headers: HTTPFields) async throws(KeyShareFailure) {
        do {
            try await watch.take(body, password: headers[.reportPassword], signature: headers[.keyShareSignature])
        } catch let refusal as NodeWatch.Refusal {
            switch refusal {
            case .unauthorized: throw KeyShareFailure(.unauthorized, "X-KS-NODE-PASSWORD is missing or wrong")
            case .forged: throw KeyShareFailure(.unauthorized, "X-KS-Signature is not of the key that reports")
            case .malformed:
                throw KeyShareFailure(
                    .invalidRequest,
                    "a report has public_key, key_share_count and payload with db_status OK or ERROR"
                )
            }
        } catch {
            logger.error("a report was not written down", metadata: ["error": "\(error)"])
            throw KeyShareFailure(.unknownError, "The report cannot be taken now: try again later")
        }
    }

    private struct Row: Encodable {
        let name: String
        let alive: Bool
        let public_key: String?
        let key_share_count: Int64?
        let is_db_connected: Bool?
        let last_report: String?
        let last_answer: String?
        let version: String?
        let uptime_30d: Double?

        enum CodingKeys: CodingKey {
            case name, alive, public_key, key_share_count, is_db_connected, last_report, last_answer, version
            case uptime_30d
        }

        init(_ node: NodeHealth) {
            name = node.name
            alive = node.isAlive
            public_key = node.publicKey.map { Hex.encode($0) }
            key_share_count = node.shareCount
            is_db_connected = node.isDatabaseOK
            last_report = node.reportedAt?.formatted(.iso8601)
            last_answer = node.answeredAt?.formatted(.iso8601)
            version = node.version
            uptime_30d = node.uptime.map { ($0 * 10_000).rounded() / 10_000 }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(alive, forKey: .alive)
            try container.encode(public_key, forKey: .public_key)
            try container.encode(key_share_count, forKey: .key_share_count)
            try container.encode(is_db_connected, forKey: .is_db_connected)
            try container.encode(last_report, forKey: .last_report)
            try container.encode(last_answer, forKey: .last_answer)
            try container.encode(version, forKey: .version)
            try container.encode(uptime_30d, forKey: .uptime_30d)
        }
    }
}
