// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
public import Postgres
public import Roughtime

/// The latest stamped score of every node, in the tables `score_stamps` and `stamped_scores`.
public struct ScoreArchive: Sendable {
    /// A score that has not been stamped for so long belongs to a node that is gone, and is forgotten.
    public static let retention = Duration.seconds(7 * 86_400)

    /// The newest stamp.
    public struct Latest: Sendable, Equatable {
        public let id: Int64
        /// Our time server's answer.
        public let response: [UInt8]
        /// Seconds since it was made, by the database's clock.
        public let age: Double
    }

    private let client: PostgresClient

    public init(client: PostgresClient) {
        self.client = client
    }

    private static let find = Statement(
        "time.find_score",
        """
        SELECT s.document, s.leaf, s.path, t.salt, t.chain, t.after, t.attestation
        FROM stamped_scores s JOIN score_stamps t ON t.id = s.stamp WHERE s.node = $1
        """
    )
    private static let latest = Statement(
        "time.latest_stamp",
        """
        SELECT id, response, greatest(0, extract(epoch FROM now() - created_at))::float8
        FROM score_stamps ORDER BY id DESC LIMIT 1
        """
    )
    private static let lock = Statement(
        "time.lock_stamps",
        "SELECT pg_try_advisory_xact_lock(hashtextextended('score stamps', 0))"
    )
    private static let contents = Statement(
        "time.stamped_contents",
        """
        SELECT s.node, s.content FROM stamped_scores s JOIN score_stamps t ON t.id = s.stamp
        WHERE t.created_at > now() - $1 * interval '1 second'
        """
    )
    private static let insertStamp = Statement(
        "time.insert_stamp",
        """
        INSERT INTO score_stamps (salt, chain, response, after, scores, root) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
        """
    )
    private static let insertScores = Statement(
        "time.insert_scores",
        """
        INSERT INTO stamped_scores AS s (node, stamp, leaf, path, content, document)
        SELECT node, $1, leaf, path, content, document
        FROM unnest($2::bytea[], $3::integer[], $4::bytea[], $5::bytea[], $6::bytea[])
            AS new (node, leaf, path, content, document)
        ON CONFLICT (node) DO UPDATE SET stamp = excluded.stamp, leaf = excluded.leaf, path = excluded.path,
            content = excluded.content, document = excluded.document
        """
    )
    private static let forget = Statement(
        "time.forget_scores",
        """
        DELETE FROM stamped_scores WHERE stamp IN (
            SELECT id FROM score_stamps WHERE created_at < now() - $1 * interval '1 second'
        )
        """
    )
    private static let prune = Statement(
        "time.prune_stamps",
        """
        DELETE FROM score_stamps t WHERE t.id < (SELECT max(id) FROM score_stamps)
            AND NOT EXISTS (SELECT FROM stamped_scores s WHERE s.stamp = t.id)
        """
    )
    /// Rows in one statement.
    private static let portion = 2000
    private static let deadline = Duration.seconds(60)

    /// The stamped score of a node; nil when it has none.
    ///
    /// - Parameter node: the node's name, 32 bytes.
    public func find(_ node: [UInt8]) async throws -> StampedScore? {
        guard let row = try await client.query(Self.find, [.bytea(node)]).first else { return nil }
        let document = try row.bytea(0)
        let path = try row.bytea(2)
        let branch = TimeProof.Branch(
            index: UInt32(clamping: try row.int4(1)),
            path: stride(from: 0, to: path.count, by: 32).map { Array(path[$0..<min($0 + 32, path.count)]) }
        )
        let proof = TimeProof(
            digest: Array(SHA256.hash(data: document)),
            salt: try row.bytea(3),
            branch: branch,
            chain: try MalfeasanceReport(json: Data(try row.bytea(4)))
        )
        return StampedScore(
            document: document,
            proof: proof,
            after: try row.bytea(5),
            attestation: try row.optionalBytea(6)
        )
    }

    /// The newest stamp; nil before the first.
    public func latest() async throws -> Latest? {
        try Self.latest(try await client.query(Self.latest))
    }

    /// Lends the archive to one process at a time.
    ///
    /// - Returns: nil when another process has it; nothing is waited for.
    public nonisolated(nonsending) func withTurn<Value>(
        _ body: (Turn) async throws -> Value
    ) async throws -> Value? {
        try await client.withConnection { session in
            try await session.transaction {
                guard try await session.query(Self.lock).first?.bool(0) == true else { return nil }
                return try await body(Turn(session: session))
            }
        }
    }

    /// The right to add a stamp; what is written is there when the turn ends without an error.
    public struct Turn: Sendable {
        fileprivate let session: PostgresSession

        /// The newest stamp; nil before the first.
        public func latest() async throws -> Latest? {
            try ScoreArchive.latest(try await session.query(ScoreArchive.latest))
        }

        /// What was stamped within a time, by node.
        public func contents(youngerThan age: Duration) async throws -> [[UInt8]: [UInt8]] {
            let rows = try await session.query(
                ScoreArchive.contents,
                [.float8(age / .seconds(1))],
                deadline: ScoreArchive.deadline
            )
            var contents: [[UInt8]: [UInt8]] = [:]
            contents.reserveCapacity(rows.count)
            for row in rows { contents[try row.bytea(0)] = try row.bytea(1) }
            return contents
        }

        /// Keeps a stamp and the documents it serves, and forgets what nobody needs.
        ///
        /// - Parameter after: the answer that the documents name.
        /// - Returns: the stamp's number.
        @discardableResult
        public func keep(
            salt: [UInt8],
            root: [UInt8],
            chain: MalfeasanceReport,
            after: [UInt8],
            scores: [ArchivedScore]
        ) async throws -> Int64 {
            let row = try await session.query(
                ScoreArchive.insertStamp,
                [
                    .bytea(salt), .bytea(Array(chain.json)), .bytea(chain.links.first?.response ?? []), .bytea(after),
                    .int4(Int32(clamping: scores.count)), .bytea(root),
                ]
            ).first
            guard let id = try row?.int8(0) else { throw PostgresError(.malformed, "the stamp has no number") }
            for start in stride(from: 0, to: scores.count, by: ScoreArchive.portion) {
                let part = scores[start..<min(start + ScoreArchive.portion, scores.count)]
                try await session.execute(
                    ScoreArchive.insertScores,
                    [
                        .int8(id), .byteaArray(part.map(\.node)),
                        .int4Array(part.map { Int32(clamping: $0.branch.index) }),
                        .byteaArray(part.map { Array($0.branch.path.joined()) }), .byteaArray(part.map(\.content)),
                        .byteaArray(part.map(\.document)),
                    ],
                    deadline: ScoreArchive.deadline
                )
            }
            try await session.execute(
                ScoreArchive.forget,
                [.float8(ScoreArchive.retention / .seconds(1))],
                deadline: ScoreArchive.deadline
            )
            try await session.execute(ScoreArchive.prune, deadline: ScoreArchive.deadline)
            return id
        }
    }

    private static func latest(_ rows: [Row]) throws -> Latest? {
        guard let row = rows.first else { return nil }
        return Latest(id: try row.int8(0), response: try row.bytea(1), age: try row.float8(2))
    }
}
