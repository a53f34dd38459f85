// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import FoundationEssentials
public import LightningPrimitives
public import Postgres

/// The table `probe_requests`: how the API, which holds no key to a wallet, has the crawler probe.
public struct ProbeRequestStore: Sendable {
    /// The channel on which workers hear of orders.
    public static let orders = "probe_requests"
    /// The channel on which callers hear of results; the payload is the id.
    public static let results = "probe_results"

    private static let submit = Statement(
        "probes.submit",
        "SELECT submit_probe($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    )
    private static let claim = Statement(
        "probes.claim",
        """
        UPDATE probe_requests SET state = 'running', owner = $1, lease_until = now() + interval '180 seconds'
        WHERE id IN (
            SELECT id FROM probe_requests WHERE state = 'queued' AND created_at > now() - interval '60 seconds'
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id, url, dry_run, include_credential, max_amount_msat, fee_limit_msat, holder, source
        """
    )
    private static let finish = Statement(
        "probes.finish",
        """
        WITH ended AS (
            UPDATE probe_requests SET state = 'done', result = $3, spent_msat = $4, billing = $5, finished_at = now()
            WHERE id = $1 AND state = 'running' AND owner = $2 RETURNING id
        ) SELECT pg_notify('probe_results', encode(id, 'hex')) FROM ended
        """
    )
    private static let read = Statement(
        "probes.read",
        """
        SELECT state, result, coalesce(spent_msat, 0), coalesce(billing, 'none') FROM probe_requests
        WHERE id = $1
        """
    )
    /// A worker that has taken it already does it.
    private static let drop = Statement(
        "probes.drop",
        "UPDATE probe_requests SET state = 'dropped', finished_at = now() WHERE id = $1 AND state = 'queued'"
    )
    /// Orders that nobody took, and those whose worker is gone: what it has paid stands in the spend ledger.
    private static let sweep = Statement(
        "probes.sweep",
        """
        WITH ended AS (
            UPDATE probe_requests SET state = 'dropped', finished_at = now()
            WHERE (state = 'queued' AND created_at < now() - interval '60 seconds')
                OR (state = 'running' AND lease_until < now())
            RETURNING id
        ) SELECT pg_notify('probe_results', encode(id, 'hex')) FROM ended
        """
    )
    private static let forgetCredentials = Statement(
        "probes.forget_credentials",
        """
        UPDATE probe_requests SET result = result #- '{payment,preimage}' #- '{payment,macaroon}'
        WHERE include_credential AND finished_at < now() - interval '1 hour' AND result #> '{payment,preimage}' IS NOT NULL
        """
    )
    private static let forget = Statement(
        "probes.forget",
        """
        DELETE FROM probe_requests WHERE created_at < now() - interval '1 day'
            AND state IN ('done', 'dropped') AND (charged_msat IS NULL OR refunded_at IS NOT NULL)
        """
    )
    private static let charge = Statement(
        "probes.charge",
        """
        UPDATE probe_requests SET charged_msat = $2, charged_hold = $3
        WHERE id = $1 AND charged_msat IS NULL
            AND (state IN ('running', 'queued') OR result ->> 'outcome' = 'pay_unknown')
        """
    )
    private static let refundsDue = Statement(
        "probes.refunds_due",
        """
        SELECT r.id, r.charged_msat, r.charged_hold,
            CASE s.state WHEN 'settled' THEN s.paid_msat + s.fee_msat WHEN 'failed' THEN 0
                ELSE coalesce(r.spent_msat, 0) END,
            CASE WHEN s.state = 'settled' THEN 'probe' WHEN s.state = 'failed' AND r.billing = 'probe' THEN 'none'
                ELSE coalesce(r.billing, 'none') END
        FROM probe_requests r LEFT JOIN spend_ledger s ON s.cycle = 'api ' || encode(r.id, 'hex')
        WHERE r.charged_msat IS NOT NULL AND r.charged_hold IS NOT NULL AND r.refunded_at IS NULL AND r.state IN ('done', 'dropped')
            AND (s.state IS NULL OR s.state IN ('settled', 'failed'))
        ORDER BY r.finished_at LIMIT 100
        """
    )
    private static let refunded = Statement(
        "probes.refunded",
        "UPDATE probe_requests SET refunded_at = now() WHERE id = $1"
    )

    let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    // MARK: The caller's side

    /// Writes an order down and wakes a worker.
    ///
    /// - Returns: false when the limits of the hour allow no more.
    @discardableResult
    public func submit(_ order: ProbeOrder, limits: ProbeLimits = .init()) async throws(PostgresError) -> Bool {
        let values: [PostgresValue] = [
            .bytea(order.id.bytes), .text(order.url), .bool(order.isDryRun), .bool(order.includesCredential),
            .int8(order.maximum.msat), .int8(order.feeLimit.msat), order.holder.map { .bytea($0) } ?? .null,
            order.source.map { .text($0) } ?? .null, .int8(Int64(limits.perHour)),
            .int8(Int64(limits.perHolderAndHour)),
        ]
        guard let row = try await client.query(Self.submit, values).first else { return false }
        return try row.bool(0)
    }

    /// How a probe stands; `nil` when there is none.
    ///
    /// Who knows the id may know the result.
    public func status(_ id: ProbeID) async throws(PostgresError) -> ProbeStatus? {
        guard let row = try await client.query(Self.read, [.bytea(id.bytes)]).first else { return nil }
        let result = try row.optionalText(1).flatMap {
            try? JSONDecoder().decode(ProbeResult.self, from: Data($0.utf8))
        }
        return ProbeStatus(
            state: ProbeStatus.State(rawValue: try row.text(0)) ?? .dropped,
            result: result,
            spent: MilliSatoshi(msat: try row.int8(2)),
            billing: ProbeBilling(rawValue: try row.text(3)) ?? .none
        )
    }

    /// Takes an order back.
    ///
    /// - Returns: false when a worker has taken it.
    public func drop(_ id: ProbeID) async throws(PostgresError) -> Bool {
        try await client.execute(Self.drop, [.bytea(id.bytes)]) == 1
    }

    /// Notes what the caller is charged before it is known what the probe has cost.
    ///
    /// It is noted before the hold is settled, so that no charge can be forgotten; whether it came to be is seen by the
    /// hold's end.
    /// - Parameter hold: the 16 bytes that name the ledger's hold.
    /// - Returns: false when that has become known meanwhile.
    public func noteCharge(_ id: ProbeID, _ amount: MilliSatoshi, hold: [UInt8]) async throws(PostgresError) -> Bool {
        try await client.execute(Self.charge, [.bytea(id.bytes), .int8(amount.msat), .bytea(hold)]) == 1
    }

    /// A charge to be made good.
    public struct RefundDue: Sendable {
        public let id: ProbeID
        public let charged: MilliSatoshi
        /// Names the ledger's hold that the charge settles.
        public let hold: [UInt8]
        public let spent: MilliSatoshi
        public let billing: ProbeBilling
    }

    /// Charges of probes that have ended, and whose payment has an end too: what a target holds back is not given back.
    public func refundsDue() async throws(PostgresError) -> [RefundDue] {
        var due: [RefundDue] = []
        for row in try await client.query(Self.refundsDue) {
            guard let id = ProbeID(try row.bytea(0)) else { continue }
            due.append(
                RefundDue(
                    id: id,
                    charged: MilliSatoshi(msat: try row.int8(1)),
                    hold: try row.bytea(2),
                    spent: MilliSatoshi(msat: try row.int8(3)),
                    billing: ProbeBilling(rawValue: try row.text(4)) ?? .none
                )
            )
        }
        return due
    }

    public func noteRefund(_ id: ProbeID) async throws(PostgresError) {
        try await client.execute(Self.refunded, [.bytea(id.bytes)])
    }

    // MARK: The worker's side

    /// Takes orders; nobody else gets them.
    func claim(limit: Int, owner: String) async throws(PostgresError) -> [ProbeOrder] {
        var orders: [ProbeOrder] = []
        for row in try await client.query(Self.claim, [.text(owner), .int4(Int32(clamping: limit))]) {
            guard let id = ProbeID(try row.bytea(0)) else { continue }
            orders.append(
                ProbeOrder(
                    id: id,
                    url: try row.text(1),
                    isDryRun: try row.bool(2),
                    includesCredential: try row.bool(3),
                    maximum: MilliSatoshi(msat: try row.int8(4)),
                    feeLimit: MilliSatoshi(msat: try row.int8(5)),
                    holder: try row.optionalBytea(6),
                    source: try row.optionalText(7)
                )
            )
        }
        return orders
    }

    /// Writes a result down and wakes whoever waits for it.
    func finish(
        _ id: ProbeID,
        owner: String,
        result: ProbeResult,
        spent: MilliSatoshi,
        billing: ProbeBilling
    ) async throws(PostgresError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(result) else { throw PostgresError(.malformed, "a result is no JSON") }
        let text = Self.withoutNUL(data)
        let values: [PostgresValue] = [
            .bytea(id.bytes), .text(owner), .jsonb(text), .int8(spent.msat), .text(billing.rawValue),
        ]
        _ = try await client.query(Self.finish, values)
    }

    /// Takes the escapes of U+0000 out of JSON, which PostgreSQL's jsonb cannot hold.
    ///
    /// What a target says may contain the same letters behind a backslash of its own; those stay.
    static func withoutNUL(_ json: some Collection<UInt8>) -> String {
        let bytes = Array(json)
        let escape = Array("u0000".utf8)
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                kept.append(bytes[index])
                index += 1
                continue
            }
            if bytes[(index + 1)...].starts(with: escape) {
                index += 1 + escape.count
            } else {
                kept += bytes[index...index + 1]
                index += 2
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// Ends orders that nobody works on, and forgets what is old.
    func sweep() async throws(PostgresError) {
        _ = try await client.query(Self.sweep)
        try await client.execute(Self.forgetCredentials)
        try await client.execute(Self.forget)
    }
}
