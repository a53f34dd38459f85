// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres

extension ScoreArchive {
    /// A stamp that nobody has signed for.
    public struct Unattested: Sendable, Hashable {
        public let stamp: Int64
        /// Of the tree over the stamped documents, 32 bytes.
        public let root: [UInt8]
        public let scores: Int
    }

    private static let unattested = Statement(
        "time.unattested",
        """
        SELECT id, root, scores FROM score_stamps
        WHERE root IS NOT NULL AND attestation IS NULL ORDER BY id DESC LIMIT $1
        """
    )
    private static let attest = Statement(
        "time.attest",
        "UPDATE score_stamps SET attestation = $2 WHERE id = $1 AND attestation IS NULL"
    )

    /// The newest stamps that nobody has signed for.
    public static func unattested(atMost count: Int, in session: PostgresSession) async throws -> [Unattested] {
        try await session.query(unattested, [.int8(Int64(count))]).map { row in
            Unattested(stamp: try row.int8(0), root: try row.bytea(1), scores: Int(try row.int4(2)))
        }
    }

    /// Keeps the attestation of a stamp; the first one stays.
    ///
    /// - Parameter event: a Nostr event as JSON.
    public static func attest(_ stamp: Int64, with event: [UInt8], in session: PostgresSession) async throws {
        try await session.execute(attest, [.int8(stamp), .bytea(event)])
    }
}
