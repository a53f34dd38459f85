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
        SELECT observed_at, kind, amount_msat, channels, directions::int4[], amounts_msat, failed_hop, predicted
        FROM (SELECT * FROM path_outcomes WHERE observed_at >= $1 ORDER BY observed_at DESC, id DESC LIMIT $2) p
        ORDER BY observed_at, id
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

    /// The newest attempts since a time, oldest first.
    ///
    /// - Parameter limit: at most this many.
    public func read(since time: Int64, limit: Int = 100_000) async throws(PostgresError) -> [PathOutcome] {
        let rows = try await client.query(
            Self.select,
            [.int8(time), .int8(Int64(limit))],
            deadline: .seconds(60)
        )
        var outcomes: [PathOutcome] = []
        outcomes.reserveCapacity(rows.count)
        for row in rows {
            let (channels, directions) = (try row.int8Array(3), try row.int4Array(4))
            let amounts = try row.int8Array(5)
            guard let kind = PathOutcome.Kind(rawValue: try row.int2(1)), channels.count == directions.count,
                channels.count == amounts.count
            else { throw PostgresError(.malformed, "path_outcomes holds a path of unequal columns") }
            outcomes.append(
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
            )
        }
        return outcomes
    }

    /// Deletes attempts that say nothing any more.
    public func dropOld(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        try await client.execute(Self.drop, [.int8(now - Self.lifetime)], deadline: .seconds(60))
    }
}
