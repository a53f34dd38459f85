// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import ByteCoding
internal import CommitReveal
internal import Crypto
internal import FoundationEssentials
internal import IdentityProviders
internal import KeyShareProtocol
internal import Metrics
internal import Postgres

/// Who makes a call, after every check but the work's own.
struct Login: Sendable {
    let authType: String
    let identity: VerifiedIdentity
    /// The person's pseudonym, 64 digits.
    let subject: String
    /// The call to be recorded with the work; `nil` outside of sessions.
    let call: RevealedCall?
    let session: RevealSession?
    /// What version 3 seals with.
    let key: SessionKey?

    /// The first parameters of a call's statement.
    ///
    /// - Parameter limit: calls of this kind in an hour.
    func values(_ action: AuditAction, limit: Int32, now: Int64) -> [PostgresValue] {
        taking(limit: limit, now: now) + AuditTrail.values(notes(action))
    }

    func taking(limit: Int32, now: Int64) -> [PostgresValue] {
        [
            call.map { .text($0.sessionID.uuidString) } ?? .null, call.map { .text($0.api.rawValue) } ?? .null,
            call.map { .bytea($0.signature) } ?? .null, .bool(call?.endsSession ?? false),
            .bytea(Hex.decode(subject) ?? []), .int4(limit), .int8(now),
        ]
    }

    /// The login and what was done with it.
    func notes(_ action: AuditAction) -> [AuditNote] {
        [AuditNote(.login, subject: subject), AuditNote(action, subject: subject)]
    }

    /// What shares are bound to.
    var owner: ShareOwner {
        ShareOwner(authType: authType, userAuthID: identity.userAuthID, passkeyKey: identity.passkeyKey)
    }

    /// The parameters that name the user.
    var user: [PostgresValue] {
        [
            .text(authType), .text(identity.userAuthID),
            identity.formerUserAuthID.map { .text($0) } ?? .null,
        ]
    }
}

/// A call's proofs, as its version carries them.
struct Proof: Sendable {
    let authType: String
    let api: KeyShareAPI?
    let sessionID: String?
    let signature: String?
    let token: RevealCall.Token
    let isSessionNeeded: Bool
    let peer: String
}

extension KeyShareService {
    /// Finds out who makes a call, in the protocol's order of checks.
    ///
    /// No connection of the database is held while the login's provider is asked.
    func login(_ proof: Proof, _ keys: OpenKeys) async throws(KeyShareFailure) -> Login {
        var revealed: (call: RevealedCall, session: RevealSession, key: SessionKey?)?
        if let api = proof.api { revealed = try await reveal(proof, api, keys) }
        guard revealed != nil || !proof.isSessionNeeded else {
            guard proof.api != nil else {
                throw KeyShareFailure(.invalidRequest, "this node needs sessions, which version 1 does not have")
            }
            throw KeyShareFailure(CommitRevealFailure.missingFields)
        }
        guard let token = revealed?.call.token ?? proof.bearer, !token.isEmpty else {
            throw KeyShareFailure(CommitRevealFailure.missingToken)
        }
        let attempt = LoginAttempt(token: token, sessionID: revealed?.session.id, now: now() / 1000)
        try await requireUnused(attempt, proof.authType, by: revealed?.session)
        let identity = try await identity(proof, attempt, keys)
        return Login(
            authType: proof.authType,
            identity: identity,
            subject: keys.pseudonyms.pseudonym(of: "\(proof.authType):\(identity.userAuthID)"),
            call: revealed?.call,
            session: revealed?.session,
            key: revealed?.key
        )
    }

    private func identity(
        _ proof: Proof,
        _ attempt: LoginAttempt,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> VerifiedIdentity {
        let isKnown = identities.authTypes.contains(proof.authType)
        let provider = isKnown ? proof.authType : "unknown"
        let start = ContinuousClock.now
        defer {
            Timer(label: "ks_provider_seconds", dimensions: [("provider", provider)])
                .recordNanoseconds(Int64(start.duration(to: .now) / .nanoseconds(1)))
        }
        do throws(IdentityFailure) {
            return try await identities.identity(authType: proof.authType, of: attempt)
        } catch {
            let (failure, reason) =
                switch error {
                case .unauthorized(let text): (KeyShareFailure(.unauthorized, text), isKnown ? "refused" : "unknown")
                case .unavailable(let text): (KeyShareFailure(.providerUnavailable, text), "unavailable")
                }
            Counter(label: "ks_auth_failures_total", dimensions: [("provider", provider), ("reason", reason)])
                .increment()
            let peer = keys.pseudonyms.pseudonym(of: "peer:\(proof.peer)")
            trail.note(AuditNote(.login, subject: peer, outcome: "\(reason) \(provider)"))
            throw failure
        }
    }

    // MARK: Sessions

    /// Refuses a token that a session was opened for and that comes without it, or in another one.
    ///
    /// Where sessions are optional, whoever has seen a token revealed elsewhere would else use it here without one.
    private func requireUnused(
        _ attempt: LoginAttempt,
        _ authType: String,
        by session: RevealSession?
    ) async throws(KeyShareFailure) {
        var texts = [attempt.twinToken].compactMap(\.self)
        if session == nil, configuration.sessions == .optional { texts.append(attempt.token) }
        guard !texts.isEmpty else { return }
        // The session that was opened first is its owner's, who alone knew the token then. Without a session any counts,
        // also one of a process whose clock is ahead.
        let before = session.map(\.createdAt) ?? now() + 3_600_000
        let hashes = texts.map { Hex.encode(Commitment.tokenHash(authType: authType, token: $0)) }
        let rows = try await stored(
            StoreSQL.isTokenCommitted,
            [
                .textArray(hashes), .timestamptz(Date(unixMilliseconds: now())),
                .timestamptz(Date(unixMilliseconds: before)),
            ]
        )
        do {
            guard try rows.first?.bool(0) == true else { return }
        } catch { throw store.unexpected(error) }
        throw KeyShareFailure(.unauthorized, "the token was committed to a session, and is of use in that alone")
    }

    /// Checks a call of a session; `nil` for a call of none.
    private func reveal(
        _ proof: Proof,
        _ api: KeyShareAPI,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> (RevealedCall, RevealSession, SessionKey?)? {
        let call = RevealCall(
            sessionID: proof.sessionID,
            signature: proof.signature,
            api: api,
            authType: proof.authType,
            token: proof.token
        )
        guard let id = try call.requestedSession() else { return nil }
        guard let (session, isRecorded) = try await stored(id, call, keys) else {
            throw KeyShareFailure(CommitRevealFailure.sessionNotFound)
        }
        // Another process may have made a newer key since these were read.
        let nodes = (holder.keys ?? keys).nodes(at: now())
        do throws(CommitRevealFailure) {
            let revealed = try Reveal.check(call, session: session, nodes: nodes, now: now())
            if isRecorded { throw .repeated }
            return (revealed, session, Self.key(proof.token, session, nodes))
        } catch {
            throw KeyShareFailure(error)
        }
    }

    /// The key that opens the call's token: that of the node's key which the client knows.
    private static func key(_ token: RevealCall.Token, _ session: RevealSession, _ nodes: [NodeKey]) -> SessionKey? {
        guard case .sealed(let box, _) = token else { return nil }
        return nodes.lazy.compactMap { SessionKey(node: $0, client: session.commitment.clientKey) }
            .first { $0.open(box) != nil }
    }

    /// Reads a session, and whether the call was made in it before.
    private func stored(
        _ id: UUID,
        _ call: RevealCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> (RevealSession, isRecorded: Bool)? {
        let signature = call.signature.flatMap { Hex.decode($0) } ?? []
        let values: [PostgresValue] = [.text(id.uuidString), .text(call.api.rawValue), .bytea(signature)]
        do {
            guard let row = try await store.query(StoreSQL.session, values).first else { return nil }
            let commitment = try Commitment(
                sessionID: id.uuidString,
                operation: row.text(0),
                clientKey: Hex.encode(row.bytea(1)),
                tokenHash: row.text(2),
                version: row.int2(4) == 3 ? .v3 : .v2
            )
            if let version = try row.optionalInt4(8), version > (keys.nodes.first?.version ?? 0) {
                try await readKeypairs()
            }
            let session = RevealSession(
                commitment,
                state: RevealSession.State(rawValue: try row.text(3)) ?? .expired,
                createdAt: try row.date(5).unixMilliseconds,
                expiresAt: try row.date(6).unixMilliseconds
            )
            return (session, try row.bool(7))
        } catch {
            throw failure(error)
        }
    }
}

extension RevealCall {
    fileprivate func requestedSession() throws(KeyShareFailure) -> UUID? {
        do throws(CommitRevealFailure) { return try session() } catch { throw KeyShareFailure(error) }
    }
}

extension Proof {
    /// The token in clear, if it came so.
    fileprivate var bearer: String? {
        guard case .bearer(let token) = token else { return nil }
        return token
    }
}

extension Date {
    var unixMilliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }

    init(unixMilliseconds: Int64) { self.init(timeIntervalSince1970: Double(unixMilliseconds) / 1000) }
}
