// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Nostr
public import Pomade
internal import SigningRounds

extension SignerService {
    /// `/register`: keeps a share for a client's key.
    ///
    /// - Throws: `key_reused`, `pow_required`, `bad_threshold`, `bad_group`, `bad_share`, `auth_failed` for a proof
    ///   that is none, `too_many_sessions`.
    public func register(_ body: PomadeBody.Register, caller: SignerCaller) async throws(SignerFailure) {
        // Looked at first and once more in the transaction: what costs work is not done for a key that is used.
        guard try await run({ try await !$0.isUsed(caller.key) }) else { throw Self.keyReused }
        guard caller.hasWork else { throw workMissing }
        let share = try SignerShare(
            group: body.group,
            share: body.share,
            minimumThreshold: configuration.minimumThreshold
        )
        let isVerified = try isVerified(body, share: share, caller: caller)
        try await keep(share, recovery: body.recovery, isVerified: isVerified, .register, caller: caller)
    }

    var workMissing: SignerFailure {
        SignerFailure(
            .powRequired,
            "A registration's event needs \(configuration.registrationWork) leading zero bits, and a nonce tag that says so."
        )
    }

    /// Makes a session for the calling key with a share that is new here.
    ///
    /// - Throws: `key_reused`, `too_many_sessions`.
    func keep(
        _ share: SignerShare,
        recovery: Bool,
        isVerified: Bool,
        _ action: AuditAction,
        caller: SignerCaller
    ) async throws(SignerFailure) {
        let time = now()
        let wire = share.registered.wire
        let record = SessionRecord(
            client: caller.key,
            user: share.registered.userKey,
            recovery: recovery,
            verified: isVerified,
            createdAt: time,
            threshold: wire.threshold,
            total: wire.commits.count,
            idx: share.number,
            publicShare: share.publicShare,
            isFromLogin: false
        )
        try await run { transaction in
            guard try await !transaction.isUsed(caller.key) else { throw Self.keyReused }
            // Who cannot prove to be the owner does not take the owner's places.
            let others = try await transaction.sessions(ofUser: record.user).filter {
                $0.closedAt.map { $0 > time } ?? true && (!isVerified || $0.record.verified)
            }
            guard others.count < configuration.sessionsPerUser else {
                throw SignerFailure(.tooManySessions, "The key has too many sessions here: delete one first.")
            }
            let shareID = try await transaction.keep(share)
            try await transaction.insert(
                record,
                shareID: shareID,
                now: time,
                dueAt: dueAt(record, lastActivity: time)
            )
            try await transaction.note(
                action,
                user: record.user,
                session: caller.key,
                digest: caller.bodyDigest,
                now: time
            )
        }
    }

    static var keyReused: SignerFailure {
        SignerFailure(.keyReused, "The client's key was used before: make a new one.")
    }

    /// Whether the user's own key vouches for the registration; a wrong proof is refused, none is not.
    private func isVerified(
        _ body: PomadeBody.Register,
        share: SignerShare,
        caller: SignerCaller
    ) throws(SignerFailure) -> Bool {
        guard let proof = body.proof else { return false }
        let key: NostrKey
        do throws(HTTPAuthorizationFailure) {
            let expected = HTTPAuthorization.Expectation(
                urls: configuration.urls.map { $0 + SignerRoute.register.rawValue },
                bodyDigest: body.proofPayload,
                requiresPayload: true
            )
            key = try HTTPAuthorization(header: HTTPAuthorization.header(proof), expecting: expected, now: now()).key
        } catch {
            throw SignerFailure(.authFailed, "The proof is none: \(error).")
        }
        guard key.bytes == share.registered.userKey.bytes else {
            throw SignerFailure(.authFailed, "The proof is not signed by the group's key.")
        }
        return true
    }
}
