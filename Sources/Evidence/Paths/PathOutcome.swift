// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres

/// An attempt of our own to send money along a path, with what it taught about the channels.
public struct PathOutcome: Sendable, Hashable {
    /// How the attempt was made.
    public enum Kind: Int16, Sendable, Hashable {
        /// A payment.
        case payment = 1
        /// An HTLC that nobody could claim.
        case htlcProbe = 2
    }

    /// One channel on the way.
    public struct Hop: Sendable, Hashable {
        /// The short channel id as a number.
        public let channel: UInt64
        /// 0 from the node with the smaller key, 1 from the other.
        public let direction: Int16
        /// What the channel was to carry, in msat.
        public let amountMsat: Int64

        public init(channel: UInt64, direction: Int16, amountMsat: Int64) {
            self.channel = channel
            self.direction = direction
            self.amountMsat = amountMsat
        }
    }

    /// Unix seconds.
    public let observedAt: Int64
    public let kind: Kind
    /// What was to arrive, in msat.
    public let amountMsat: Int64
    /// 1 to 27 channels in order.
    public let hops: [Hop]
    /// Index of the hop that could not carry its amount; `nil` when all could.
    public let failedHop: Int?
    /// The probability of the path before it was tried.
    public let predicted: Double?

    public init(
        observedAt: Int64,
        kind: Kind,
        amountMsat: Int64,
        hops: [Hop],
        failedHop: Int?,
        predicted: Double? = nil
    ) {
        self.observedAt = observedAt
        self.kind = kind
        self.amountMsat = amountMsat
        self.hops = hops
        self.failedHop = failedHop
        self.predicted = predicted
    }
}

/// The table `path_outcomes`.
public struct PathOutcomeStore: Sendable {
    /// An attempt with its place in the order of writing.
    public struct Stored: Sendable, Hashable {
        /// Greater than those of all attempts written before.
        public let id: Int64
        public let outcome: PathOutcome
    }

    /// Older attempts say nothing any more: seven time constants of channel knowledge, in seconds.
    public static let lifetime: Int64 = 49 * 86_400

    private static let insert = Statement(
        "evidence.path",
        """
        INSERT INTO path_outcomes (observed_at, kind, amount_msat, channels, directions, amounts_msat, failed_hop, predicted)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """
    )
    private static let select = Statement(
        "evidence.paths",
        """
        SELECT observed_at, kind, amount_msat, channels, directions::int4[], amounts_msat, failed_hop, predicted, id
        FROM (SELECT * FROM path_outcomes WHERE observed_at >= $1 AND id > $2 ORDER BY id DESC LIMIT $3) p
        ORDER BY id
        """
    )
    private static let forecast = Statement(
        "evidence.path_forecast",
        """
        UPDATE path_outcomes p SET predicted = f.predicted FROM unnest($1, $2) AS f (id, predicted)
        WHERE p.id = f.id AND p.predicted IS NULL
        """
    )
    private static let drop = Statement("evidence.drop_paths", "DELETE FROM path_outcomes WHERE observed_at < $1")

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Writes an attempt down.
    public func record(_ outcome: PathOutcome) async throws(PostgresError) {
        let hops = outcome.hops
        try await client.execute(
            Self.insert,
            [
                .int8(outcome.observedAt), .int2(outcome.kind.rawValue), .int8(outcome.amountMsat),
                .int8Array(hops.map { Int64(bitPattern: $0.channel) }), .int2Array(hops.map(\.direction)),
                .int8Array(hops.map(\.amountMsat)), outcome.failedHop.map { .int4(Int32($0)) } ?? .null,
                outcome.predicted.map { .float8(min(1 - 1e-9, max(1e-9, $0))) } ?? .null,
            ]
        )
    }

    /// The newest attempts, in the order they were written.
    ///
    /// - Parameters:
    ///   - time: Unix seconds; older ones are left out.
    ///   - id: those up to this one are left out.
    ///   - limit: at most this many.
    public static func read(
        _ session: PostgresSession,
        since time: Int64,
        after id: Int64 = 0,
        limit: Int = 100_000
    ) async throws(PostgresError) -> [Stored] {
        try parse(
            try await session.query(
                Self.select,
                [.int8(time), .int8(id), .int8(Int64(limit))],
                deadline: .seconds(60)
            )
        )
    }

    /// Notes what was forecast for attempts before they were learnt from.
    public static func note(_ forecasts: [Int64: Double], on session: PostgresSession) async throws(PostgresError) {
        guard !forecasts.isEmpty else { return }
        let pairs = forecasts.sorted { $0.key < $1.key }
        try await session.execute(
            Self.forecast,
            [.int8Array(pairs.map(\.key)), .float8Array(pairs.map { min(1 - 1e-9, max(1e-9, $0.value)) })],
            deadline: .seconds(60)
        )
    }

    private static func parse(_ rows: [Row]) throws(PostgresError) -> [Stored] {
        var outcomes: [Stored] = []
        outcomes.reserveCapacity(rows.count)
        for row in rows {
            let (channels, directions) = (try row.int8Array(3), try row.int4Array(4))
            let amounts = try row.int8Array(5)
            guard let kind = PathOutcome.Kind(rawValue: try row.int2(1)), channels.count == directions.count,
                channels.count == amounts.count
            else { throw PostgresError(.malformed, "path_outcomes holds a path of unequal columns") }
            let outcome =
                PathOutcome(
                    observedAt: try row.int8(0),
                    kind: kind,
                    amountMsat: try row.int8(2),
                    hops: channels.indices.map { index in
                        PathOutcome.Hop(
                            channel: UInt64(bitPattern: channels[index]),
                            direction: Int16(directions[index]),
                            amountMsat: amounts[index]
                        )
                    },
                    failedHop: try row.optionalInt4(6).map(Int.init),
                    predicted: try row.optionalFloat8(7)
                )
            outcomes.append(Stored(id: try row.int8(8), outcome: outcome))
        }
        return outcomes
    }

    /// Deletes attempts that say nothing any more.
    public func dropOld(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        try await client.execute(Self.drop, [.int8(now - Self.lifetime)], deadline: .seconds(60))
    }
}
