// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
public import Pomade
internal import Postgres
internal import SealedRecords
internal import SigningRounds

extension SignerService {
    /// `/sign/commit`: fresh nonces for one signature, in memory only.
    ///
    /// - Throws: `no_session`, `deactivated`, `rate_limited`, `bad_members`.
    public func commit(
        _ body: PomadeBody.Commit,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.Commitment {
        let session = try await activeSession(caller.key)
        try limits.countOperation(caller.key)
        return try commits.commit(client: caller.key, share: session.share, members: body.members, now: now())
    }

    /// `/x/commit-batch`: nonces for signatures to come, each for one message like any other.
    ///
    /// - Throws: as `/sign/commit`, and `bad_request`.
    public func commitBatch(
        _ body: PomadeBody.CommitBatch,
        caller: SignerCaller
    ) async throws(SignerFailure) -> [PomadeContent.Commitment] {
        let session = try await activeSession(caller.key)
        try limits.countOperation(caller.key)
        return try commits.commitBatch(
            client: caller.key,
            share: session.share,
            members: body.members,
            count: body.count,
            now: now()
        )
    }

    /// `/sign/complete`: one partial signature; the nonces are spent whatever happens.
    ///
    /// - Throws: `commit_gone`, `no_session`, `deactivated`, `rate_limited`, then what
    ///   ``SigningRounds/TakenCommit/complete(_:share:terms:)`` throws.
    public func complete(
        _ body: PomadeBody.Complete,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.Partial {
        let taken = try commits.take(client: caller.key, commitID: body.commitID, now: now())
        let session = try await activeSession(caller.key)
        try limits.countOperation(caller.key)
        let terms = TakenCommit.Terms(
            maximumTweaks: configuration.maximumTweaks,
            policy: session.policy,
            signaturesToday: try await countToday(session),
            now: now()
        )
        let partial = try taken.complete(body, share: session.share, terms: terms)
        activity.note(session.id, at: now())
        return partial
    }

    /// `/ecdh`: this signer's part of a shared secret.
    ///
    /// - Throws: `no_session`, `deactivated`, `rate_limited`, `bad_members`, `bad_request`, `bad_ecdh_key`,
    ///   `policy_denied`.
    public func exchange(
        _ body: PomadeBody.KeyExchange,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.KeyExchange {
        let session = try await activeSession(caller.key)
        try limits.countOperation(caller.key)
        let answer = try session.share.exchange(body, policy: session.policy, now: now())
        activity.note(session.id, at: now())
        return answer
    }

    // MARK: Sessions that may sign

    /// What may sign now: the row's state is read for this very request, the share may come from memory.
    func activeSession(_ client: Hex32) async throws(SignerFailure) -> ReadySession {
        let state: LiveState?
        do throws(PostgresError) {
            state = try await live.read(keys.ring.names(client.bytes, in: StoreTransaction.sessions))
        } catch { throw failure(error) }
        guard let state else {
            try await requireCurrentSecret()
            throw SignerFailure(.noSession, "No session has this key: log in again.")
        }
        let session = try await ready(state, client)
        let time = now()
        // What stands in clear could have been changed without the secret; what is sealed could be old. Both count.
        if [state.deactivatedAt, session.deactivatedAt].contains(where: { $0 != nil }) {
            throw SignerFailure(.deactivated, "The session is deactivated: log in again.")
        }
        if [state.expiresAt, session.policy?.expiresAt].contains(where: { $0.map { $0 <= time } ?? false }) {
            throw SignerFailure(.deactivated, "The session's policy has ended: log in again.")
        }
        return session
    }

    /// Refuses to say that there is no session when rows have names that this process cannot know.
    private func requireCurrentSecret() async throws(SignerFailure) {
        let rows: [Row]
        do throws(PostgresError) { rows = try await store.client.query(Self.secretsStatement) } catch {
            throw failure(error)
        }
        for row in rows {
            guard let id = try? row.int2(0), keys.ring.keys(UInt8(clamping: id)) == nil else { continue }
            logger.error("the database was sealed anew with another secret: restart with the new POMADE_SECRET")
            throw SignerFailure(.internalError, "Something went wrong here: try again later.")
        }
    }

    private static let secretsStatement = Statement("signer.secrets", "SELECT key_id FROM signer.keyring")

    private func ready(_ state: LiveState, _ client: Hex32) async throws(SignerFailure) -> ReadySession {
        if let known = cache.session(state) { return known }
        let read: ReadySession?
        do { read = try await readSession(state.id) } catch { throw failure(error) }
        guard let read, read.client == client else {
            throw SignerFailure(.noSession, "No session has this key: log in again.")
        }
        cache.keep(read, as: state.id)
        return read
    }

    /// Reads and opens a session with its share, all of one moment.
    private func readSession(_ id: [UInt8]) async throws -> ReadySession? {
        guard let row = try await store.client.query(Self.readStatement, [.bytea(id)]).first else { return nil }
        let ring = keys.ring
        let record = try RecordCoding.record(
            SessionRecord.self,
            try ring.open(try row.bytea(2), table: StoreTransaction.sessions, row: id)
        )
        let share = try StoreTransaction.share(
            ring,
            id: try row.bytea(3),
            sealed: try row.bytea(4),
            secret: try row.bytea(5)
        )
        try StoreTransaction.requireOwner(share, record)
        return ReadySession(
            id: id,
            version: try row.int8(0),
            shareVersion: try row.int8(1),
            client: record.client,
            policy: record.policy,
            deactivatedAt: record.deactivatedAt,
            share: share
        )
    }

    private static let readStatement = Statement(
        "signer.session_ready",
        """
        SELECT s.version, h.version, s.sealed, h.id, h.sealed, h.sealed_secret
        FROM signer.sessions s JOIN signer.shares h ON h.id = s.share_id WHERE s.id = $1
        """
    )

    // MARK: Counting

    /// How many signatures the session has made today, this one left out; counted only when its policy asks.
    private func countToday(_ session: ReadySession) async throws(SignerFailure) -> Int {
        guard let maximum = session.policy?.maximumPerDay, maximum > 0 else { return 0 }
        do throws(PostgresError) {
            let values: [PostgresValue] = [
                .bytea(session.id), .int4(Int32(clamping: now() / 86_400)), .int8(Int64(maximum)),
            ]
            guard let row = try await store.client.query(Self.countStatement, values).first else { return maximum }
            return Int(try row.int8(0)) - 1
        } catch { throw failure(error) }
    }

    /// Not waited for to reach the disk: a crash of the machine may forget the last signatures of a day.
    private static let countStatement = Statement(
        "signer.count_today",
        """
        WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS is_set)
        INSERT INTO signer.daily_counts AS c (session_id, day, count)
        SELECT $1, $2, 1 FROM quick WHERE is_set = 'off'
        ON CONFLICT (session_id, day) DO UPDATE SET count = c.count + 1 WHERE c.count < $3
        RETURNING count
        """
    )
}
