// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import KeyShares
internal import Migrations
public import Postgres
internal import ShareEnvelopes

extension KeyShareService {
    /// What the store says of itself; never fails, and takes at most two seconds.
    public func status() async -> KeyShareStatus {
        var status = KeyShareStatus(isSealed: isSealed, isShut: door.isShut)
        do throws(PostgresError) {
            if let row = try await client.query(CareSQL.status, deadline: .seconds(2)).first {
                status.isDatabaseConnected = true
                status.schemaVersion = try row.optionalInt4(0)
                status.formerRows = try row.int8(1)
                status.shares = try row.int8(2)
                status.keyEpoch = try row.optionalInt4(3)
                status.publicKey = try row.optionalBytea(4).map { Hex.encode($0) }
            }
            status.auditHead = try await lastSignedHead()
        } catch {
            status.fault = "\(error)"
            // A database before its first migration answers, too.
            status.isDatabaseConnected = error.sqlState == "42P01"
        }
        if !status.isDatabaseConnected { status.isServing = false }
        return status
    }

    /// Checks another database with this node's secrets: its tables, its rows, and some of its shares.
    ///
    /// - Parameter sample: how many shares are opened, chosen at random.
    /// - Throws: `.sealed`, `.unavailable`.
    public func check(database: PostgresClient, sample: Int) async throws(KeyShareNodeError) -> DatabaseCheck {
        guard let keys = holder.keys else { throw KeyShareNodeError(.sealed, "the node is sealed: unseal it first") }
        var check = DatabaseCheck(expectedVersion: Migration.keyshare.map(\.id).max() ?? 0)
        do throws(PostgresError) {
            check.schemaVersion = try await database.query(CheckSQL.version).first?.optionalInt4(0)
            for table in CheckSQL.tables {
                check.rowCounts[table] = try await database.query(CheckSQL.count(table))[0].int8(0)
            }
            let epochs = try await database.query(StoreSQL.epochs).map { row throws(PostgresError) in
                UInt32(clamping: try row.int4(0))
            }
            guard let newest = epochs.last else { return check }
            let ring: EnvelopeKeyRing
            do throws(EnvelopeError) {
                ring = try EnvelopeKeyRing(root: keys.root, current: newest, earlier: Array(epochs.dropLast()))
            } catch { throw PostgresError(.malformed, "\(error)") }
            for row in try await database.query(CheckSQL.sample, [.int8(Int64(sample))]) {
                if await opens(row, ring) { check.opened += 1 } else { check.failed += 1 }
            }
        } catch {
            // A database without the tables is an answer.
            if error.sqlState == "42P01" || error.sqlState == "3F000" { return check }
            throw KeyShareNodeError(.unavailable, "the database cannot be checked: \(error)")
        }
        return check
    }

    private func opens(_ row: Row, _ ring: EnvelopeKeyRing) async -> Bool {
        guard let share = try? ShareRow(row, owners: 9),
            let opened = try? await sealer.open(share, with: ring)
        else { return false }
        return share.verifyingShare.map { $0 == opened.verifyingShare } ?? true
    }
}

extension KeyShareStatus {
    fileprivate init(isSealed: Bool, isShut: Bool) {
        isDatabaseConnected = false
        self.isSealed = isSealed
        isServing = !isSealed && !isShut
    }
}

private enum CheckSQL {
    static let version = Statement("keyshare.check_version", "SELECT max(id) FROM keyshare.schema_migrations")
    static let sample = Statement(
        "keyshare.check_sample",
        #"""
        SELECT w.curve_type, w.public_key, s.share_id::text, s.wallet_id::text, s.enc_share, s.format, s.share_epoch,
            s.verifying_share, s.commitments, \#(CareSQL.owners)
        FROM public."2_key_shares" s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id ORDER BY random() LIMIT $1
        """#
    )
    static let tables = [
        "2_users", "2_wallets", "2_key_shares", "2_server_keypairs", "2_pg_dumps", "2_commit_reveal_sessions",
        "2_commit_reveal_api_calls", "2_share_history", "2_pending_refreshes", "2_identity_alias", "2_passkey_keys",
        "2_audit", "2_kek_epochs", "2_offsite_copies",
    ]

    static func count(_ table: String) -> Statement {
        Statement("keyshare.count_\(table)", "SELECT count(*) FROM public.\"\(table)\"")
    }
}
