// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import ShareEnvelopes

extension KeyShareService {
    /// Rows of one batch of a rotation.
    static let rotationBatch: Int64 = 500

    /// The tables whose rows have envelopes.
    private static let sealedTables = ["2_key_shares", "2_share_history", "2_pending_refreshes"]

    /// Wraps all data keys anew under a new key-encryption key, while shares are served.
    ///
    /// A rotation that was stopped is gone on with instead. Each batch is a transaction of its own; the earlier epochs are
    /// retired when no row is left of them. Any process may run it, one at a time.
    /// - Throws: `.sealed`, `.refused` while another process rotates, `.unavailable`.
    public func rotateKeyEncryptionKey(
        progress: @Sendable (KeyRotationProgress) -> Void = { _ in }
    ) async throws(KeyShareNodeError) -> KeyRotationProgress {
        guard door.enter() else { throw KeyShareNodeError(.refused, "the node is being restored: rotate afterwards") }
        defer { door.leave() }
        guard holder.keys != nil else { throw KeyShareNodeError(.sealed, "the node is sealed: unseal it first") }
        do {
            return try await alone { try await rotate(isResumed: false, progress) }
        } catch let error as KeyShareNodeError {
            throw error
        } catch {
            throw KeyShareNodeError(.unavailable, "the rotation stopped and can be gone on with: \(error)")
        }
    }

    /// Goes on with a rotation that was stopped, if there is one.
    func resumeRotation() async throws {
        guard let keys = holder.keys, keys.ring.epochs.count > 1, rotationMark.last(at: now()) != nil else { return }
        rotationMark.end(at: now())
        do { try await alone { _ = try await rotate(isResumed: true) { _ in } } } catch let error as KeyShareNodeError
            where error.code == .refused
        {
            // Another process is at it.
        }
    }

    /// Holds a lock that ends with the connection, so that a process that dies leaves nothing behind.
    ///
    /// It is waited for a little: a server takes its time to notice that a connection was closed.
    private nonisolated(nonsending) func alone<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await client.withConnection { session in
            let end = ContinuousClock.now + .seconds(5)
            while try await session.query(RotationSQL.lock).first?.bool(0) != true {
                guard ContinuousClock.now < end else {
                    throw KeyShareNodeError(.refused, "another process rotates the key-encryption key")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            do {
                let value = try await body()
                _ = try? await session.query(RotationSQL.unlock)
                return value
            } catch {
                _ = try? await session.query(RotationSQL.unlock)
                throw error
            }
        }
    }

    private func rotate(
        isResumed: Bool,
        _ progress: @Sendable (KeyRotationProgress) -> Void
    ) async throws -> KeyRotationProgress {
        if !isResumed {
            _ = try await client.query(StoreSQL.beginEpoch)
            await audit(.keyRotateBegin, subject: nil, outcome: "ok")
        }
        await readKeys()
        guard let keys = holder.keys else { throw KeyShareNodeError(.sealed, "the node was sealed meanwhile") }
        var state = KeyRotationProgress(epoch: Int32(clamping: keys.ring.current))
        try await resealKeypairs()
        // A refresh that is committed meanwhile moves rows between the tables.
        for _ in 0..<5 where !state.isComplete {
            state.damaged = 0
            for table in Self.sealedTables { try await rotate(table, keys, &state, progress) }
            state.isComplete = try await client.query(StoreSQL.retireEpochs).first?.int8(0) == 0
            if state.damaged > 0 { break }
        }
        await readKeys()
        await audit(.keyRotateEnd, subject: nil, outcome: state.isComplete ? "ok" : "incomplete")
        progress(state)
        return state
    }

    /// Rewraps a table's rows of earlier epochs, in the order of their ids.
    private func rotate(
        _ table: String,
        _ keys: OpenKeys,
        _ state: inout KeyRotationProgress,
        _ progress: @Sendable (KeyRotationProgress) -> Void
    ) async throws {
        let batch = RotationSQL.batch(table)
        // Rows that were exchanged meanwhile come again in another round.
        var isRound = true
        for _ in 0..<10 where isRound {
            isRound = false
            var last = RoundMark.start
            while true {
                let rows = try await client.query(
                    batch,
                    [.int4(state.epoch), .text(last), .int8(Self.rotationBatch)]
                )
                guard let final = rows.last else { break }
                last = try final.text(0)
                let (written, damaged) = try await rewrap(rows, table, keys)
                state.rewrapped += written
                state.damaged += damaged
                if written + damaged < rows.count { isRound = true }
                progress(state)
            }
        }
    }

    private func rewrap(_ rows: [Row], _ table: String, _ keys: OpenKeys) async throws -> (Int, Int) {
        var (ids, old, new, damaged): ([String], [[UInt8]], [[UInt8]], Int) = ([], [], [], 0)
        for row in rows {
            let (id, stored) = (try row.text(0), try row.bytea(1))
            guard let shareID = UUID(uuidString: id) else { continue }
            do throws(EnvelopeError) {
                new.append(try ShareEnvelope(stored).rewrapped(shareID: shareID, with: keys.ring).bytes)
                ids.append(id)
                old.append(stored)
            } catch {
                damaged += 1
                tellDamage(id, "\(error)")
            }
        }
        guard !ids.isEmpty else { return (0, damaged) }
        let written =
            try await client.query(
                StoreSQL.reseal,
                [
                    .text(table), .textArray(ids), .byteaArray(old), .byteaArray(new), .int2(2),
                    .int4(Int32(clamping: keys.ring.current)), .optionalByteaArray(ids.map { _ in nil }),
                ]
            ).first?.int8(0) ?? 0
        return (Int(written), damaged)
    }
}

private enum RotationSQL {
    /// "ks-wrap " in ASCII.
    static let lock = Statement("keyshare.rotation_lock", "SELECT pg_try_advisory_lock(7742582175423361056)")
    static let unlock = Statement("keyshare.rotation_unlock", "SELECT pg_advisory_unlock(7742582175423361056)")

    static func batch(_ table: String) -> Statement {
        Statement(
            "keyshare.rotate_\(table.dropFirst(2))",
            """
            SELECT share_id::text, enc_share FROM public."\(table)"
            WHERE kek_epoch < $1 AND share_id > $2::uuid ORDER BY share_id LIMIT $3
            """
        )
    }
}
