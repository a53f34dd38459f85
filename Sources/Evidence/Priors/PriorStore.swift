// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres
public import TrustScore

/// The table `target_priors`.
public struct PriorStore: Sendable {
    /// A target's prior at one stage.
    public struct Entry: Sendable {
        public let id: [UInt8]
        public let stage: Stage?
        public let prior: PriorChain.Prior

        public init(id: [UInt8], stage: Stage?, prior: PriorChain.Prior) {
            self.id = id
            self.stage = stage
            self.prior = prior
        }
    }

    private static let replace = Statement(
        "evidence.priors",
        """
        WITH wanted AS (
            SELECT * FROM unnest($2, $3, $4, $5, $6) AS w (id, stage, alpha, beta, level)
        ), gone AS (
            DELETE FROM target_priors t WHERE t.kind = $1
                AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = t.id AND w.stage = t.stage)
        )
        INSERT INTO target_priors AS t (kind, id, stage, alpha, beta, level)
        SELECT $1, id, stage, alpha, beta, level FROM wanted ORDER BY id, stage
        ON CONFLICT (kind, id, stage) DO UPDATE SET alpha = excluded.alpha, beta = excluded.beta, level = excluded.level
        WHERE abs(t.alpha - excluded.alpha) > 1e-6 OR abs(t.beta - excluded.beta) > 1e-6 OR t.level <> excluded.level
        """
    )

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Makes these the priors of all nodes (1) or all endpoints (2); targets without an entry have the flat one.
    ///
    /// - Returns: rows that became others.
    public func replace(kind: Int16, with entries: [Entry]) async throws(PostgresError) -> Int {
        let entries = entries.filter { $0.prior.level != .flat }
        return try await client.execute(
            Self.replace,
            [
                .int2(kind), .byteaArray(entries.map(\.id)), .int2Array(entries.map { EvidenceCode.stage($0.stage) }),
                .float8Array(entries.map(\.prior.distribution.alpha)),
                .float8Array(entries.map(\.prior.distribution.beta)), .textArray(entries.map(\.prior.level.rawValue)),
            ],
            deadline: .seconds(60)
        )
    }
}

/// What targets have shown by themselves, decayed to a time: the members of groups.
public struct OwnEvidence: Sendable {
    private static let select = Statement(
        "evidence.own",
        """
        SELECT p.id, p.stage, sum((p.alpha - 1.5) * f.left), sum((p.alpha + p.beta - 3) * f.left)
        FROM posteriors p, LATERAL (
            SELECT exp(-least(10, greatest(0, $2 - p.last_ts) / CASE p.source WHEN 1 THEN $3 ELSE $4 END)) AS left
        ) f
        WHERE p.kind = $1 AND p.source IN (1, 2, 3) GROUP BY p.id, p.stage
        """
    )

    private struct Key: Hashable {
        let id: [UInt8]
        let stage: Int16
    }

    private var members: [Key: GroupPrior.Member] = [:]

    /// Reads the evidence of all nodes (1) or all endpoints (2).
    public static func read(_ client: PostgresClient, kind: Int16, now: Int64) async throws(PostgresError)
        -> OwnEvidence
    {
        let parameters: [PostgresValue] = [
            .int2(kind), .int8(now), .float8(EvidenceSource.probe.timeConstant),
            .float8(EvidenceSource.paid.timeConstant),
        ]
        var evidence = OwnEvidence()
        for row in try await client.query(select, parameters, deadline: .seconds(60)) {
            let key = Key(id: try row.bytea(0), stage: try row.int2(1))
            evidence.members[key] = GroupPrior.Member(successes: try row.float8(2), total: try row.float8(3))
        }
        return evidence
    }

    /// A target's own outcomes at a stage; nothing when it has none.
    public func member(_ id: [UInt8], stage: Stage?) -> GroupPrior.Member {
        members[Key(id: id, stage: EvidenceCode.stage(stage))] ?? GroupPrior.Member(successes: 0, total: 0)
    }
}
