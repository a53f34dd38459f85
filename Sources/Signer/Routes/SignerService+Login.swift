// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade
internal import SealedRecords
internal import SigningRounds

extension SignerService {
    /// `/login/start`: the sessions that a password or a code opens, for one of them to be chosen.
    ///
    /// - Throws: `key_reused`, `no_sessions`.
    public func startLogin(
        _ body: PomadeBody.Start,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.Items {
        let rows = try await attempt(body.auth, caller: caller) {
            transaction -> Result<[SessionRow], SignerFailure> in
            guard try await !transaction.isUsed(caller.key) else { return .failure(Self.keyReused) }
            let matched = try await authenticate(body.auth, transaction)
            if case .success(let rows) = matched { try await remember(rows, .login, body.auth, caller, transaction) }
            return matched
        }
        return PomadeContent.Items(items: rows.map { $0.record.item(lastActivity: $0.lastActivity) })
    }

    private func remember(
        _ rows: [SessionRow],
        _ kind: PendingRecord.Kind,
        _ auth: PomadeBody.Credentials,
        _ caller: SignerCaller,
        _ transaction: StoreTransaction
    ) async throws {
        try await transaction.insert(
            PendingRecord(
                client: caller.key,
                kind: kind,
                sessions: rows.map(\.record.client),
                createdAt: now(),
                isByCode: auth.isCode
            )
        )
    }

    /// `/login/select`: a new session for the calling key, with the share and the address of the chosen one.
    ///
    /// Where a share has as many sessions as a user may have, the login that was idle longest ends for it.
    /// - Throws: `no_login`, `bad_selection`, `session_gone`; the login is over whatever happens.
    public func selectLogin(
        _ body: PomadeBody.Selection,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.Group {
        let (group, row, ended) = try await run {
            transaction -> Result<(WireGroup, SessionRow, [SessionRow]), SignerFailure> in
            let (row, isByCode): (SessionRow, Bool)
            switch try await choose(body.client, .login, .noLogin, caller, transaction) {
            case .failure(let failure): return .failure(failure)
            case .success(let chosen): (row, isByCode) = chosen
            }
            guard let stored = try await transaction.share(of: row) else { return .failure(Self.sessionGone) }
            let time = now()
            var record = SessionRecord(
                client: caller.key,
                user: row.record.user,
                recovery: true,
                verified: row.record.verified,
                createdAt: time,
                threshold: row.record.threshold,
                total: row.record.total,
                idx: row.record.idx,
                publicShare: stored.share.publicShare,
                isFromLogin: true
            )
            if isByCode || row.record.verifier?.isFromCode == true { record.isFromCode = true }
            record.email = row.record.email
            record.isConfirmed = row.record.isConfirmed
            record.emailHashes = row.record.emailHashes
            record.verifier = row.record.verifier
            // What the owner has decided about the address holds for the new session too.
            if let policy = row.record.policy, policy.allowsCodes != nil || policy.recoveryDelay != nil {
                record.policy = SessionPolicy(allowsCodes: policy.allowsCodes, recoveryDelay: policy.recoveryDelay)
            }
            let ended = try await endIdlest(besides: row, transaction)
            let due = dueAt(record, lastActivity: time)
            try await transaction.insert(record, shareID: row.shareID, now: time, dueAt: due)
            try await transaction.note(
                .login,
                user: record.user,
                session: caller.key,
                digest: caller.bodyDigest,
                now: time
            )
            return .success((stored.share.registered.wire, row, ended))
        }.get()
        for old in ended {
            cache.remove(old.id)
            commits.remove(client: old.record.client)
        }
        activity.note(row.id, at: now())
        if row.record.isConfirmed { tell(.signedIn, row) }
        return PomadeContent.Group(group: group)
    }

    /// Makes room for one more session of a share: closed ones go first, then those that were idle longest.
    ///
    /// Only what a login has made goes, and never the session that was chosen.
    /// - Throws: `too_many_sessions`.
    private func endIdlest(besides chosen: SessionRow, _ transaction: StoreTransaction) async throws -> [SessionRow] {
        let all = try await transaction.sessions(ofShare: chosen.shareID)
        guard all.count >= configuration.sessionsPerUser else { return [] }
        let time = now()
        func age(_ row: SessionRow) -> (Int, Int64) {
            let isClosed = row.closedAt.map { $0 <= time } ?? false
            return (isClosed ? 0 : 1, max(row.lastActivity, row.record.createdAt))
        }
        let ended = all.filter { $0.record.isFromLogin && $0.id != chosen.id }.sorted { age($0) < age($1) }
            .prefix(all.count - configuration.sessionsPerUser + 1)
        guard all.count - ended.count < configuration.sessionsPerUser else {
            throw SignerFailure(.tooManySessions, "The share has too many sessions here: delete one first.")
        }
        for row in ended {
            try await transaction.delete(row)
            try await noteEnd(row, .expired, transaction)
        }
        return Array(ended)
    }

    /// Ends a pending login or recovery and returns the session that was chosen of it, and whether a code began it.
    func choose(
        _ client: Hex32,
        _ kind: PendingRecord.Kind,
        _ absent: FailureCode,
        _ caller: SignerCaller,
        _ transaction: StoreTransaction
    ) async throws -> Result<(SessionRow, isByCode: Bool), SignerFailure> {
        guard let pending = try await transaction.takePending(caller.key, kind),
            now() - pending.createdAt <= SignerConfiguration.shortWhile
        else { return .failure(SignerFailure(absent, "Nothing was begun with this key: begin again.")) }
        guard pending.sessions.contains(client) else {
            return .failure(SignerFailure(.badSelection, "This session was not offered: begin again."))
        }
        guard let row = try await transaction.session(client) else { return .failure(Self.sessionGone) }
        return .success((row, pending.isByCode ?? false))
    }

    static var sessionGone: SignerFailure {
        SignerFailure(.sessionGone, "The session has been deleted meanwhile: begin again.")
    }

    // MARK: Recovery

    /// What a recovery has led to.
    private enum RecoveryStart: Sendable {
        case items([SessionRow])
        case waiting(until: Int64, notices: [(address: String, token: Hex32)])
    }

    /// `/recovery/start`: the sessions whose share may be had back, for one of them to be chosen.
    ///
    /// With a mailed code, or a password that was set with one, the owner may have to wait, and can stop it meanwhile.
    /// - Throws: `key_reused`, `no_sessions`, `recovery_pending`.
    public func startRecovery(
        _ body: PomadeBody.Start,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.Items {
        let start = try await attempt(body.auth, caller: caller) {
            transaction -> Result<RecoveryStart, SignerFailure> in
            guard try await !transaction.isUsed(caller.key) else { return .failure(Self.keyReused) }
            switch try await authenticate(body.auth, transaction) {
            case .failure(let failure): return .failure(failure)
            case .success(let rows):
                let start = try await recover(rows, body.auth, caller, transaction)
                if case .items(let rows) = start { try await remember(rows, .recovery, body.auth, caller, transaction) }
                return .success(start)
            }
        }
        switch start {
        case .items(let rows):
            return PomadeContent.Items(items: rows.map { $0.record.item(lastActivity: $0.lastActivity) })
        case .waiting(let until, let notices):
            for (address, token) in notices {
                let link = link(.recoveryCancel, token)
                post.send(.recoveryRequested(availableAt: until, cancelLink: link), to: address)
            }
            throw SignerFailure(
                .recoveryPending,
                "The recovery waits for a veto of the owner: begin again, with a new code, after that time.",
                availableAt: until
            )
        }
    }

    private func recover(
        _ rows: [SessionRow],
        _ auth: PomadeBody.Credentials,
        _ caller: SignerCaller,
        _ transaction: StoreTransaction
    ) async throws -> RecoveryStart {
        let time = now()
        let token = Hex32.random()
        var (ready, until): ([SessionRow], Int64?) = ([], nil)
        var notices: [String: Hex32] = [:]
        for row in rows {
            guard auth.isCode || row.record.verifier?.isFromCode == true else {
                ready.append(row)
                continue
            }
            // The longest delay of all sessions of a share: the share is the same, whichever of them is chosen.
            let sharers = try await transaction.sessions(ofShare: row.shareID)
            let delay = sharers.reduce(configuration.recoveryDelay) { max($0, $1.record.policy?.recoveryDelay ?? 0) }
            let known = try await transaction.recoveryRequest(row.shareID, auth.emailHash)
            let request =
                known
                ?? RecoveryRequestRecord(emailHash: auth.emailHash, createdAt: time, availableAt: time + delay)
            // A delay that was set after the request holds too.
            guard max(request.availableAt, request.createdAt + delay) > time else {
                ready.append(row)
                continue
            }
            until = min(until ?? .max, max(request.availableAt, request.createdAt + delay))
            if known == nil {
                try await transaction.insert(request, shareID: row.shareID, token: token.bytes)
                try await note(.recoveryRequested, row, caller, transaction)
                // Who asks may have given the session an address of their own: the others' owner has to hear of it.
                for address in sharers.compactMap(\.record.email) { notices[address] = token }
            }
        }
        guard ready.isEmpty, let until else { return .items(ready) }
        return .waiting(until: until, notices: notices.map { ($0.key, $0.value) })
    }

    /// `/recovery/select`: hands out the share of the chosen session.
    ///
    /// - Throws: `no_recovery`, `bad_selection`, `session_gone`; the recovery is over whatever happens.
    public func selectRecovery(
        _ body: PomadeBody.Selection,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.ShareAndGroup {
        let (content, row) = try await run {
            transaction -> Result<(PomadeContent.ShareAndGroup, SessionRow), SignerFailure> in
            switch try await choose(body.client, .recovery, .noRecovery, caller, transaction) {
            case .failure(let failure): return .failure(failure)
            case .success((let row, _)):
                guard let stored = try await transaction.share(of: row) else { return .failure(Self.sessionGone) }
                for hash in row.record.emailHashes { try await transaction.removeRequest(row.shareID, hash) }
                try await note(.recovered, row, caller, transaction)
                let content = PomadeContent.ShareAndGroup(
                    share: WireShare(stored.share.share),
                    group: stored.share.registered.wire
                )
                return .success((content, row))
            }
        }.get()
        // Whoever can still have the share back is no stranger to it: its time begins anew.
        activity.note(row.id, at: now())
        tell(.recovered, row)
        return content
    }

    /// Mails to a session's address what was done with its share, unless it has heard that too often.
    private func tell(_ notice: SignerNotice, _ row: SessionRow) {
        guard let address = row.record.email,
            limits.allowsNotice(ofShare: row.shareID, isConfirmed: row.record.isConfirmed)
        else { return }
        post.send(notice, to: address)
    }

    /// `/x/recovery/cancel` by the user's key or an active session's: ends recoveries of the same shares.
    public func cancelRecovery(caller: SignerCaller) async throws(SignerFailure) -> PomadeContent.Cancellation {
        let own = try await run { transaction -> [SessionRow] in
            if let row = try await transaction.session(caller.key) { return [try requireActive(row)] }
            return try await transaction.sessions(ofUser: caller.key)
        }
        guard !own.isEmpty else { throw SignerFailure(.noSession, "The key has no session here.") }
        return try await cancel { transaction in
            try await transaction.cancelRequests(ofShares: own.map(\.shareID))
        }
    }

    /// `/x/recovery/cancel` by the link of a notice.
    ///
    /// - Throws: `not_found` for a link that ended nothing.
    public func cancelRecovery(token: Hex32) async throws(SignerFailure) -> PomadeContent.Cancellation {
        let content = try await cancel { try await $0.cancelRequests(token: token.bytes) }
        guard content.cancelled > 0 else {
            throw SignerFailure(.notFound, "No recovery waits for this: it was stopped already, or is over.")
        }
        return content
    }

    private func cancel(
        _ body: (StoreTransaction) async throws -> Set<[UInt8]>
    ) async throws(SignerFailure) -> PomadeContent.Cancellation {
        let (shares, addresses) = try await run { transaction -> (Int, Set<String>) in
            let shares = try await body(transaction)
            var addresses: Set<String> = []
            for share in shares {
                let rows = try await transaction.sessions(ofShare: share)
                addresses.formUnion(rows.compactMap(\.record.email))
                guard let row = rows.first else { continue }
                try await transaction.note(
                    .recoveryCancelled,
                    user: row.record.user,
                    session: nil,
                    digest: [],
                    now: now()
                )
            }
            return (shares.count, addresses)
        }
        for address in addresses { post.send(.recoveryCancelled, to: address) }
        return PomadeContent.Cancellation(cancelled: shares)
    }
}
