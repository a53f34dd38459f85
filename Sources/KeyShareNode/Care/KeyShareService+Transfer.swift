// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CommitReveal
internal import FoundationEssentials
internal import KeyShares
internal import Logging
internal import Migrations
public import Postgres
internal import ShareEnvelopes

/// How much was carried over between this node's database and one of Oko's form.
public struct TransferReport: Sendable, Hashable {
    /// Shares that were written.
    public var written = 0
    /// Shares that were there already.
    public var present = 0
    /// Shares that could not be opened, or whose public key the other database has under another user.
    public var failed = 0
    /// Keypairs of the node that were written.
    public var keypairs = 0
}

extension KeyShareService {
    private static let transferBatch: Int64 = 500

    /// Copies the rows of an Oko node's database into this node's, as they are; they are rewritten in the background.
    ///
    /// Call it before ``prepare()``, so that the node takes over the Oko node's own key. It can be stopped and run again:
    /// what is there already stays as it is. The Oko node must not serve meanwhile.
    /// - Throws: `.secret` when the secret of format 1 is missing or another.
    public func importFormer(
        from source: PostgresClient,
        progress: @Sendable (TransferReport) -> Void = { _ in }
    ) async throws(KeyShareNodeError) -> TransferReport {
        guard let former = secrets.former else {
            throw KeyShareNodeError(.secret, "ENCRYPTION_SECRET_PATH has to name the file of the Oko node's secret")
        }
        do {
            _ = try await Migrator.keyshare(client: client, logger: logger).migrate()
            try await probe(source, former)
            var report = TransferReport()
            report.keypairs = try await importKeypairs(source, former)
            try await prepare(isServing: false)
            var last = RoundMark.start
            while true {
                let rows = try await source.query(
                    TransferSQL.formerRows,
                    [.text(last), .int8(Self.transferBatch)],
                    deadline: .seconds(60)
                )
                guard let final = rows.last else { break }
                last = try final.text(0)
                let written = try await importRows(rows)
                report.written += written
                report.present += rows.count - written
                progress(report)
            }
            try await importTokenHashes(source)
            await audit(.importFormer, subject: nil, outcome: "\(report.written) shares")
            return report
        } catch let error as KeyShareNodeError {
            throw error
        } catch {
            throw KeyShareNodeError(.unavailable, "the import stopped and can be run again: \(error)")
        }
    }

    /// Opens one share, before anything is written.
    private func probe(_ source: PostgresClient, _ former: OkoSecret) async throws {
        let row: Row
        do throws(PostgresError) {
            guard let first = try await source.query(TransferSQL.formerProbe).first else { return }
            row = first
        } catch {
            throw KeyShareNodeError(.damaged, "the database is not of an Oko node: \(error)")
        }
        do throws(EnvelopeError) {
            let envelope = try OkoEnvelope(String(decoding: (try? row.bytea(0)) ?? [], as: UTF8.self))
            try envelope.withOpened(with: former) { _ in }
        } catch {
            throw KeyShareNodeError(
                .secret,
                "ENCRYPTION_SECRET_PATH does not open the Oko node's shares; every byte of the file counts"
            )
        }
    }

    private func importKeypairs(_ source: PostgresClient, _ former: OkoSecret) async throws -> Int {
        let rows = try await source.query(TransferSQL.formerKeypairs)
        // A key that does not open would keep this node from starting ever after.
        for row in rows where try row.bool(4) {
            do throws(EnvelopeError) {
                try OkoEnvelope((try? row.text(3)) ?? "").withOpened(with: former) { _ in }
            } catch {
                throw KeyShareNodeError(
                    .secret,
                    "ENCRYPTION_SECRET_PATH does not open the node's own key in that database, or it is not an Oko node's"
                )
            }
        }
        return try await client.withConnection { session in
            try await session.transaction {
                let own = try await session.query(TransferSQL.countKeypairs)[0].int8(0)
                guard own == 0 else { return 0 }
                for row in rows {
                    try await session.execute(
                        TransferSQL.insertKeypair,
                        [
                            .text(try row.text(0)), .int4(try row.int4(1)), .bytea(try row.bytea(2)),
                            .text(try row.text(3)), .bool(try row.bool(4)), .timestamptz(try row.date(5)),
                            try row.optionalDate(6).map { .timestamptz($0) } ?? .null,
                        ]
                    )
                }
                return rows.count
            }
        }
    }

    /// Writes users, wallets and shares in one transaction; returns how many shares were new.
    private func importRows(_ rows: [Row]) async throws -> Int {
        func texts(_ column: Int) throws -> PostgresValue { .textArray(try rows.map { try $0.text(column) }) }
        func dates(_ column: Int) throws -> PostgresValue { .timestamptzArray(try rows.map { try $0.date(column) }) }
        func notes(_ column: Int) throws -> PostgresValue {
            .optionalTextArray(try rows.map { try $0.optionalText(column) })
        }
        let keys = PostgresValue.byteaArray(try rows.map { try $0.bytea(7) })
        let shares = PostgresValue.byteaArray(try rows.map { try $0.bytea(10) })
        let users = [try texts(2), try texts(3), try texts(4), try texts(5), try dates(14), try notes(17)]
        let wallets = [try texts(1), try texts(3), try texts(4), try texts(6), keys, try dates(13), try notes(16)]
        let values = [
            try texts(0), try texts(1), shares, try texts(8), try dates(9), try dates(11), try dates(12),
            try notes(15),
        ]
        return try await client.withConnection { session in
            try await session.transaction {
                try await session.execute(TransferSQL.insertUsers, users)
                try await session.execute(TransferSQL.insertWallets, wallets)
                return try await session.execute(TransferSQL.insertShares, values)
            }
        }
    }

    /// Tokens that were committed to at the Oko node are not committed to here.
    private func importTokenHashes(_ source: PostgresClient) async throws {
        let rows: [Row]
        do throws(PostgresError) { rows = try await source.query(TransferSQL.formerTokens) } catch {
            // Oko nodes before sessions have no such table.
            if error.sqlState == "42P01" { return }
            throw error
        }
        try await client.execute(
            TransferSQL.insertTokens,
            [
                .textArray(try rows.map { try $0.text(0) }),
                .timestamptzArray(try rows.map { try $0.date(1).addingTimeInterval(48 * 3600) }),
            ]
        )
    }

    // MARK: Export

    /// Writes this node's shares and keys into a database of Oko's form, sealed with the secret of format 1.
    ///
    /// Costs 30 ms of computing a share. It can be stopped and run again: what is there already is written anew only when
    /// it is older. This node must not take shares meanwhile.
    /// - Throws: `.secret`, `.sealed`, `.unavailable`.
    public func exportFormer(
        to target: PostgresClient,
        progress: @Sendable (TransferReport) -> Void = { _ in }
    ) async throws(KeyShareNodeError) -> TransferReport {
        guard let keys = holder.keys else { throw KeyShareNodeError(.sealed, "the node is sealed: unseal it first") }
        guard secrets.former != nil else {
            throw KeyShareNodeError(.secret, "ENCRYPTION_SECRET_PATH has to name the file of the secret to seal with")
        }
        do {
            try await target.withConnection { try await $0.script(TransferSQL.formerTables) }
            var report = TransferReport()
            report.keypairs = try await exportKeypairs(target, keys)
            var last = RoundMark.start
            while true {
                let rows = try await client.query(TransferSQL.ownRows, [.text(last), .int8(100)])
                guard let final = rows.last else { break }
                last = try final.text(2)
                for row in rows { try await export(row, to: target, keys, &report) }
                progress(report)
            }
            await audit(.exportFormer, subject: nil, outcome: "\(report.written) shares")
            return report
        } catch let error as KeyShareNodeError {
            throw error
        } catch {
            throw KeyShareNodeError(.unavailable, "the export stopped and can be run again: \(error)")
        }
    }

    private func export(
        _ row: Row,
        to target: PostgresClient,
        _ keys: OpenKeys,
        _ report: inout TransferReport
    ) async throws {
        let (id, updatedAt) = (PostgresValue.text(try row.text(2)), PostgresValue.timestamptz(try row.date(16)))
        if try await target.query(TransferSQL.isExported, [id, updatedAt])[0].bool(0) {
            report.present += 1
            return
        }
        let text: String
        do {
            let share = try ShareRow(row, owners: 17)
            let opened = try await sealer.open(share, with: keys.ring)
            text = try await sealer.sealFormer(opened)
        } catch {
            report.failed += 1
            tellDamage(try row.text(2), "\(error)")
            return
        }
        let written = try await target.execute(
            TransferSQL.exportShare,
            [
                id, .text(try row.text(3)), .bytea(Array(text.utf8)), .text(try row.text(9)),
                .timestamptz(try row.date(10)), .timestamptz(try row.date(15)), updatedAt,
                .text(try row.text(11)), .text(try row.text(12)), .text(try row.text(13)), .text(try row.text(14)),
                .text(try row.text(0)), .bytea(try row.bytea(1)),
            ]
        )
        if written == 1 { report.written += 1 } else { report.failed += 1 }
    }

    private func exportKeypairs(_ target: PostgresClient, _ keys: OpenKeys) async throws -> Int {
        var count = 0
        for row in try await client.query(StoreSQL.keypairs, [.int8(1000)]) {
            guard let id = UUID(uuidString: try row.text(0)), let former = secrets.former else { continue }
            let key: NodeKey
            do throws(EnvelopeError) {
                key = try KeypairText.open(
                    (try? row.text(3)) ?? "",
                    id: id,
                    publicKey: (try? row.bytea(2)) ?? [],
                    ring: keys.ring,
                    former: former
                )
            } catch {
                logger.warning("a former key of the node is left out", metadata: ["error": "\(error)"])
                continue
            }
            let text = try KeypairText.seal(key, id: id, ring: keys.ring, former: former, writes: .v1)
            count += try await target.execute(
                TransferSQL.exportKeypair,
                [
                    .text(try row.text(0)), .int4(try row.int4(1)), .bytea(try row.bytea(2)), .text(text),
                    .bool(try row.bool(4)), .timestamptz(try row.date(5)),
                    try row.optionalDate(6).map { .timestamptz($0) } ?? .null,
                ]
            )
        }
        return count
    }
}
