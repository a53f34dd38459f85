// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres

extension KeyShareService {
    /// Signs the audit's end now, so that everything up to here is vouched for.
    ///
    /// - Throws: `.unavailable`.
    public func vouchForAudit() async throws(KeyShareNodeError) {
        do { try await signAuditHead() } catch {
            throw KeyShareNodeError(.unavailable, "the audit is not signed: \(error)")
        }
    }

    /// Takes the audit over into another database that has an earlier end of the same chain: what is restored is of
    /// another time, what was done is not.
    ///
    /// - Returns: whether the other's chain is the beginning of this one; otherwise it is left as it is.
    /// - Throws: `.unavailable`.
    public func carryAudit(into other: PostgresClient) async throws(KeyShareNodeError) -> Bool {
        do {
            var mark: Int64 = 0
            if let end = try await other.query(AuditSQL.end).first {
                mark = try end.int8(0)
                let same = try await client.query(CarriedAuditSQL.entry, [.int8(mark), .bytea(try end.bytea(1))])
                guard !same.isEmpty else { return false }
            }
            for table in [CarriedAuditSQL.entries, CarriedAuditSQL.heads] {
                var last = mark
                while let page = try await client.query(table.page, [.int8(last)], deadline: Self.carrying).first,
                    let next = try page.optionalInt8(1)
                {
                    try await other.execute(table.insert, [.jsonb(try page.text(0))], deadline: Self.carrying)
                    last = next
                }
            }
            return true
        } catch {
            throw KeyShareNodeError(.unavailable, "the audit cannot be taken over: \(error)")
        }
    }

    /// How long a page may take.
    private static var carrying: Duration { .seconds(30) }
}

private enum CarriedAuditSQL {
    static let entry = Statement(
        "keyshare.carried_entry",
        #"SELECT seq FROM public."2_audit" WHERE seq = $1 AND hash = $2"#
    )
    static let entries = Table("2_audit")
    /// Without those of keys that the other database does not know: nobody could check them there.
    static let heads = Table(
        "2_audit_heads",
        condition: #"WHERE public_key IN (SELECT public_key FROM public."2_server_keypairs")"#
    )

    struct Table: Sendable {
        /// Rows behind a number as one text, and the last one's number.
        let page: Statement
        let insert: Statement

        init(_ name: String, condition: String = "") {
            page = Statement(
                "keyshare.carried_page.\(name)",
                """
                SELECT coalesce(jsonb_agg(r ORDER BY seq), '[]')::text, max(seq)
                FROM (SELECT * FROM public."\(name)" WHERE seq > $1 ORDER BY seq LIMIT 5000) r
                """
            )
            insert = Statement(
                "keyshare.carried.\(name)",
                """
                INSERT INTO public."\(name)" SELECT * FROM jsonb_populate_recordset(NULL::public."\(name)", $1)
                \(condition) ORDER BY seq
                ON CONFLICT (seq) DO NOTHING
                """
            )
        }
    }
}
