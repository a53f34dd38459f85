// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LND
public import LightningPrimitives
public import Logging
internal import Metrics
public import Postgres

/// A node that can be asked for routes and sends HTLCs along them.
public protocol ProbingNode: Sendable {
    func queryRoutes(_ query: RouteQuery) async throws(LNDError) -> RouteAnswer
    func sendToRoute(_ route: PaymentRoute, hash: PaymentHash, paymentSecret: [UInt8]?, within patience: Duration)
        async throws(LNDError) -> HTLCAttempt
}

extension LNDClient: ProbingNode {}

/// What HTLC probes may do.
///
/// Each locks other people's money for a while.
public struct HTLCProbeLimits: Sendable, Hashable {
    public var amount: MilliSatoshi = .sat(10_000)
    public var perHour = 60
    public var inFlight = 4
    public var locked: MilliSatoshi = .sat(200_000)
    public var amountPerHour: MilliSatoshi = .sat(2_000_000)
    /// Seconds before a node is probed again.
    public var pausePerNode = 900
    /// What the way to a node may cost; such routes are not tried.
    public var feeLimit: MilliSatoshi = .sat(100)

    public init() {}
}

/// Sends HTLCs that nobody can claim, to learn whether the nodes that matter can be paid.
///
/// Off unless the operator turns it on. Only nodes that are paid for services somebody asked for lately are probed.
public struct HTLCProbes: Sendable {
    private static let targets = Statement(
        "htlc.targets",
        """
        SELECT e.payee FROM endpoints e
        WHERE e.payee IS NOT NULL AND e.last_query_at > now() - interval '2 hours'
            AND NOT EXISTS (SELECT FROM htlc_probes p
                WHERE p.node = e.payee AND p.sent_at > now() - $1 * interval '1 second')
        GROUP BY e.payee ORDER BY max(e.last_query_at) DESC LIMIT 20
        """
    )
    /// The job's lock keeps other processes out, so what is counted is what there is.
    private static let reserve = Statement(
        "htlc.reserve",
        """
        INSERT INTO htlc_probes (payment_hash, node, amount_msat)
        SELECT $1, $2, $3 FROM (
            SELECT count(*) AS sent, coalesce(sum(amount_msat), 0) AS amount,
                count(*) FILTER (WHERE outcome IS NULL) AS open,
                coalesce(sum(amount_msat) FILTER (WHERE outcome IS NULL), 0) AS locked
            FROM htlc_probes WHERE sent_at > now() - interval '1 hour' OR outcome IS NULL) used
        WHERE used.sent < $4 AND used.amount + $3 <= $5 AND used.open < $6 AND used.locked + $3 <= $7
            AND NOT EXISTS (SELECT FROM htlc_probes
                WHERE node = $2 AND sent_at > now() - $8 * interval '1 second')
        """
    )
    private static let end = Statement(
        "htlc.end",
        "UPDATE htlc_probes SET outcome = $2, ended_at = now() WHERE payment_hash = $1"
    )
    /// An HTLC whose outcome was lost holds its money until its time lock ends, at most a week.
    private static let sweep = Statement(
        "htlc.sweep",
        """
        WITH lost AS (
            UPDATE htlc_probes SET outcome = 'lost', ended_at = now()
            WHERE outcome IS NULL AND sent_at < now() - interval '7 days'
        ) DELETE FROM htlc_probes WHERE outcome IS NOT NULL AND sent_at < now() - interval '30 days'
        """
    )

    private let client: PostgresClient
    private let node: any ProbingNode
    private let ownNode: @Sendable () async -> NodeID?
    private let limits: HTLCProbeLimits
    private let logger: Logger

    public init(
        _ client: PostgresClient,
        node: any ProbingNode,
        ownNode: @escaping @Sendable () async -> NodeID?,
        limits: HTLCProbeLimits = HTLCProbeLimits(),
        logger: Logger
    ) {
        self.client = client
        self.node = node
        self.ownNode = ownNode
        self.limits = limits
        self.logger = logger
    }

    /// Probes the nodes that are due, one after the other.
    ///
    /// - Returns: the outcomes, by word.
    @discardableResult
    public func run() async throws -> [String: Int] {
        try await client.execute(Self.sweep)
        guard let own = await ownNode() else { return [:] }
        var outcomes: [String: Int] = [:]
        for row in try await client.query(Self.targets, [.float8(Double(limits.pausePerNode))]) {
            try Task.checkCancellation()
            guard let target = NodeID(try row.bytea(0)), target != own else { continue }
            guard let outcome = try await probe(target, from: own) else { break }
            outcomes[outcome, default: 0] += 1
            Counter(label: "htlc_probe_total", dimensions: [("outcome", outcome)]).increment()
        }
        return outcomes
    }

    /// Probes one node.
    ///
    /// - Returns: the outcome's word; `nil` when the limits allow no more.
    func probe(_ target: NodeID, from own: NodeID) async throws -> String? {
        let answer: RouteAnswer
        do throws(LNDError) {
            answer = try await node.queryRoutes(
                RouteQuery(target: target, amount: limits.amount, feeLimit: limits.feeLimit)
            )
        } catch {
            // Nothing was sent: what LND's own graph says is no evidence.
            return error.meaning?.rawValue ?? error.errorClass.rawValue
        }
        guard let hash = PaymentHash(Preimage.random().bytes) else { return nil }
        guard try await reserve(hash, target) else { return nil }
        // Once it may be out, the booking must not be stopped halfway.
        return try await Task { try await send(answer, hash, from: own) }.value
    }

    private func reserve(_ hash: PaymentHash, _ target: NodeID) async throws(PostgresError) -> Bool {
        let values: [PostgresValue] = [
            .bytea(hash.bytes), .bytea(target.bytes), .int8(limits.amount.msat), .int8(Int64(limits.perHour)),
            .int8(limits.amountPerHour.msat), .int8(Int64(limits.inFlight)), .int8(limits.locked.msat),
            .float8(Double(limits.pausePerNode)),
        ]
        return try await client.execute(Self.reserve, values) == 1
    }

    private func send(_ answer: RouteAnswer, _ hash: PaymentHash, from own: NodeID) async throws -> String {
        let attempt: HTLCAttempt
        do throws(LNDError) {
            attempt = try await node.sendToRoute(
                answer.route,
                hash: hash,
                paymentSecret: nil,
                within: .seconds(60)
            )
        } catch {
            // It may still be out there; then its money stays counted as locked.
            let isUnknown = error.errorClass == .transport || error.errorClass == .cancelled
            if !isUnknown { try await end(hash, "not_sent") }
            return isUnknown ? "unknown" : "not_sent"
        }
        let word = attempt.failure?.code.rawValue.lowercased() ?? attempt.status.rawValue.lowercased()
        if attempt.status != .inFlight { try await end(hash, word) }
        try await PathEvidence(client).record(
            [attempt],
            isProbe: true,
            from: own
        )
        return word
    }

    private func end(_ hash: PaymentHash, _ outcome: String) async throws(PostgresError) {
        try await client.execute(Self.end, [.bytea(hash.bytes), .text(outcome)])
    }
}
