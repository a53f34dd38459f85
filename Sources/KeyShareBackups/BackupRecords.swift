// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import KeyShareProtocol
internal import Postgres

/// The rows of backups and their copies.
struct BackupRecords: Sendable {
    let client: PostgresClient

    struct Good: Sendable, Hashable {
        let id: UUID
        let name: String
        /// When it was begun: what it holds is of this moment.
        let at: Date
        let size: Int64
        let sha256: String
    }

    func begin(_ id: UUID, name: String, at: Date) async throws(PostgresError) {
        try await client.execute(
            Statement(
                "backup.begin",
                """
                INSERT INTO public."2_pg_dumps" (dump_id, status, dump_path, meta, created_at, updated_at)
                VALUES ($1::text::uuid, 'IN_PROGRESS', $2, '{}', $3, $3)
                """
            ),
            [.text(id.text), .text(name), .timestamptz(at)]
        )
    }

    func complete(_ id: UUID, duration: Int64, size: Int64, sha256: String, at: Date) async throws(PostgresError) {
        try await client.execute(
            Statement(
                "backup.complete",
                """
                UPDATE public."2_pg_dumps" SET status = 'COMPLETED', updated_at = $5, meta = jsonb_build_object(
                    'dump_duration', $2::bigint, 'dump_size', $3::bigint, 'sha256', $4::text)
                WHERE dump_id = $1::text::uuid
                """
            ),
            [.text(id.text), .int8(duration), .int8(size), .text(sha256), .timestamptz(at)]
        )
    }

    func fail(_ id: UUID, _ reason: String, at: Date) async throws(PostgresError) {
        try await client.execute(
            Statement(
                "backup.fail",
                """
                UPDATE public."2_pg_dumps" SET status = 'FAILED', updated_at = $3,
                    meta = jsonb_build_object('error', $2::text) WHERE dump_id = $1::text::uuid
                """
            ),
            [.text(id.text), .text(reason), .timestamptz(at)]
        )
    }

    /// Backups that were under way when their process ended; only for who holds the lock of backups.
    func failAbandoned(at: Date) async throws(PostgresError) {
        try await client.execute(
            Statement(
                "backup.abandoned",
                """
                UPDATE public."2_pg_dumps" SET status = 'FAILED', updated_at = $1,
                    meta = '{"error": "the node ended during the backup"}' WHERE status = 'IN_PROGRESS'
                """
            ),
            [.timestamptz(at)]
        )
    }

    func markDeleted(_ id: UUID, at: Date) async throws(PostgresError) {
        try await client.execute(
            Statement(
                "backup.deleted",
                """
                UPDATE public."2_pg_dumps" SET status = 'DELETED', updated_at = $2 WHERE dump_id = $1::text::uuid
                """
            ),
            [.text(id.text), .timestamptz(at)]
        )
    }

    /// All backups that are there, the newest first.
    func good() async throws(PostgresError) -> [Good] {
        let rows = try await client.query(
            Statement(
                "backup.good",
                """
                SELECT dump_id::text, dump_path, created_at, coalesce((meta->>'dump_size')::bigint, 0),
                    coalesce(meta->>'sha256', '')
                FROM public."2_pg_dumps" WHERE status = 'COMPLETED' ORDER BY created_at DESC, dump_id
                """
            )
        )
        var found: [Good] = []
        for row in rows {
            guard let id = UUID(uuidString: try row.text(0)), let name = try row.optionalText(1) else { continue }
            found.append(
                Good(id: id, name: name, at: try row.date(2), size: try row.int8(3), sha256: try row.text(4))
            )
        }
        return found
    }

    func newest() async throws(PostgresError) -> Good? { try await good().first }

    /// The history, the newest first.
    func history(since: Date?) async throws(PostgresError) -> [BackupRow] {
        let copies = try await copies()
        let rows = try await client.query(
            Statement(
                "backup.history",
                """
                SELECT dump_id::text, status, dump_path, coalesce(meta, '{}')::text, created_at, updated_at
                FROM public."2_pg_dumps" WHERE $1::timestamptz IS NULL OR created_at >= $1
                ORDER BY created_at DESC, dump_id LIMIT 10000
                """
            ),
            [since.map { .timestamptz($0) } ?? .null]
        )
        var history: [BackupRow] = []
        for row in rows {
            guard let state = BackupRow.State(rawValue: try row.text(1)) else { continue }
            let meta = try? JSONDecoder().decode(BackupRow.Meta.self, from: Data(try row.text(3).utf8))
            let id = try row.text(0)
            history.append(
                BackupRow(
                    dumpID: id,
                    status: state,
                    // Oko's rows have paths.
                    dumpPath: try row.optionalText(2)?.split(separator: "/").last.map(String.init),
                    meta: meta ?? BackupRow.Meta(),
                    copies: copies[id] ?? [],
                    createdAt: Moment.text(try row.date(4)),
                    updatedAt: Moment.text(try row.date(5))
                )
            )
        }
        return history
    }

    // MARK: Drills

    func setDrill(_ id: UUID, at: Date, isOK: Bool) async throws(PostgresError) {
        try await client.execute(
            Statement(
                "backup.drill",
                """
                UPDATE public."2_pg_dumps" SET meta = coalesce(meta, '{}') || jsonb_build_object(
                    'drill', jsonb_build_object('at', $2::text, 'ok', $3::boolean)) WHERE dump_id = $1::text::uuid
                """
            ),
            [.text(id.text), .text(Moment.text(at)), .bool(isOK)]
        )
    }

    func lastDrill() async throws(PostgresError) -> BackupStatus.Drill? {
        let rows = try await client.query(
            Statement(
                "backup.last_drill",
                """
                SELECT meta->'drill'->>'at', (meta->'drill'->>'ok')::boolean FROM public."2_pg_dumps"
                WHERE meta ? 'drill' ORDER BY meta->'drill'->>'at' DESC LIMIT 1
                """
            )
        )
        guard let row = rows.first else { return nil }
        return BackupStatus.Drill(at: try row.text(0), isOK: try row.bool(1))
    }

    // MARK: Copies

    private func copies() async throws(PostgresError) -> [String: [BackupRow.Copy]] {
        let rows = try await client.query(
            Statement(
                "backup.copies",
                """
                SELECT dump_id::text, target, status, error FROM public."2_offsite_copies" ORDER BY created_at, target
                """
            )
        )
        var copies: [String: [BackupRow.Copy]] = [:]
        for row in rows {
            let copy = BackupRow.Copy(
                target: try row.text(1),
                status: try row.text(2),
                error: try row.optionalText(3)
            )
            copies[try row.text(0), default: []].append(copy)
        }
        return copies
    }

    struct Copy: Sendable, Hashable {
        let target: String
        let isOK: Bool
        let at: Date
    }

    /// What became of a backup's copies, one for each target.
    func copies(of id: UUID) async throws(PostgresError) -> [Copy] {
        let rows = try await client.query(
            Statement(
                "backup.copies_of",
                """
                SELECT target, status = 'COMPLETED', updated_at FROM public."2_offsite_copies"
                WHERE dump_id = $1::text::uuid
                """
            ),
            [.text(id.text)]
        )
        return try rows.map { row throws(PostgresError) in
            Copy(target: try row.text(0), isOK: try row.bool(1), at: try row.date(2))
        }
    }

    /// Writes down what became of a copy, in the row of its target.
    func setCopy(of good: Good, target: String, error: String?, at: Date) async throws(PostgresError) {
        let sha256 = Hex.decode(good.sha256) ?? []
        let values: [PostgresValue] = [
            .text(good.id.text), .text(target), .text(error == nil ? "COMPLETED" : "FAILED"), .int8(good.size),
            .bytea(sha256), error.map { .text($0) } ?? .null, .timestamptz(at),
        ]
        let updated = try await client.execute(
            Statement(
                "backup.copy_again",
                """
                UPDATE public."2_offsite_copies" SET status = $3, size = $4, sha256 = $5, error = $6, updated_at = $7
                WHERE dump_id = $1::text::uuid AND target = $2
                """
            ),
            values
        )
        guard updated == 0 else { return }
        try await client.execute(
            Statement(
                "backup.copy",
                """
                INSERT INTO public."2_offsite_copies" (dump_id, target, status, size, sha256, error, created_at, updated_at)
                VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7, $7)
                """
            ),
            values
        )
    }

    /// When the newest good copy was made.
    func lastCopy() async throws(PostgresError) -> Date? {
        let rows = try await client.query(
            Statement(
                "backup.last_copy",
                #"SELECT max(updated_at) FROM public."2_offsite_copies" WHERE status = 'COMPLETED'"#
            )
        )
        return try rows.first?.optionalDate(0)
    }
}

extension BackupRecords {
    /// Takes all rows over into another database, whose own are of the time of its backup.
    func carry(into other: PostgresClient) async throws {
        let dumps = try await client.query(
            Statement("backup.carry", #"SELECT coalesce(jsonb_agg(d), '[]')::text FROM public."2_pg_dumps" d"#)
        )
        let copies = try await client.query(
            Statement(
                "backup.carry_copies",
                #"SELECT coalesce(jsonb_agg(c), '[]')::text FROM public."2_offsite_copies" c"#
            )
        )
        guard let dumps = try dumps.first?.text(0), let copies = try copies.first?.text(0) else { return }
        try await other.withConnection { session in
            try await session.transaction {
                try await session.script(
                    #"DELETE FROM public."2_offsite_copies"; DELETE FROM public."2_pg_dumps""#
                )
                try await session.execute(
                    Statement(
                        "backup.carried",
                        """
                        INSERT INTO public."2_pg_dumps"
                        SELECT * FROM jsonb_populate_recordset(NULL::public."2_pg_dumps", $1)
                        """
                    ),
                    [.jsonb(dumps)]
                )
                try await session.execute(
                    Statement(
                        "backup.carried_copies",
                        """
                        INSERT INTO public."2_offsite_copies"
                        SELECT * FROM jsonb_populate_recordset(NULL::public."2_offsite_copies", $1)
                        """
                    ),
                    [.jsonb(copies)]
                )
            }
        }
    }
}

extension UUID {
    /// Of lower case.
    var text: String { uuidString.lowercased() }
}
