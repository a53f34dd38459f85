// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Pomade
internal import SealedRecords

/// Who owns an address.
extension SignerService {
    /// One text for every cause: nobody learns whether an address is known.
    static var noSessions: SignerFailure {
        SignerFailure(.noSessions, "No session was found: check the address and the password or code.")
    }

    /// Runs a transaction that authenticates, within the limits on failures; what fails is kept all the same.
    func attempt<Value: Sendable>(
        _ auth: PomadeBody.Credentials,
        caller: SignerCaller,
        _ body: (StoreTransaction) async throws -> Result<Value, SignerFailure>
    ) async throws(SignerFailure) -> Value {
        guard limits.beginAttempt(auth.emailHash, from: caller.source) else { throw Self.noSessions }
        var hasFailed = false
        defer { limits.endAttempt(auth.emailHash, from: caller.source, failed: hasFailed) }
        let result = try await run(body)
        if case .failure(let failure) = result { hasFailed = failure.code == .noSessions }
        return try result.get()
    }

    /// The sessions that a password or a code opens.
    func authenticate(
        _ auth: PomadeBody.Credentials,
        _ transaction: StoreTransaction
    ) async throws -> Result<[SessionRow], SignerFailure> {
        let rows = try await transaction.sessions(ofEmail: auth.emailHash)
        switch auth.secret {
        case .passwordHash(let hash):
            let matching = rows.filter { matches($0.record.verifier, auth.emailHash, hash) }
            return matching.isEmpty ? .failure(Self.noSessions) : .success(matching)
        case .code(let code):
            guard try await takeCode(code, auth.emailHash, transaction) else { return .failure(Self.noSessions) }
            let allowed = rows.filter { $0.record.policy?.allowsCodes ?? true }
            guard !allowed.isEmpty else { return .failure(Self.noSessions) }
            return .success(try await confirm(allowed, transaction))
        }
    }

    private func matches(_ verifier: PasswordVerifier?, _ emailHash: Hex32, _ passwordHash: Hex32) -> Bool {
        guard let verifier, verifier.emailHash == emailHash, let keys = keys.ring.keys(verifier.keyID) else {
            return false
        }
        let mac = Self.mac(emailHash.bytes + passwordHash.bytes, keys.password)
        return constantTimeEqual(mac.bytes, verifier.mac.bytes)
    }

    /// Uses a code up, or one of its attempts.
    private func takeCode(_ code: String, _ emailHash: Hex32, _ transaction: StoreTransaction) async throws -> Bool {
        guard var challenge = try await transaction.challenge(emailHash),
            now() - challenge.createdAt <= SignerConfiguration.shortWhile,
            let keys = keys.ring.keys(challenge.keyID)
        else { return false }
        let mac = Self.mac(emailHash.bytes + Array(code.utf8), keys.code)
        if constantTimeEqual(mac.bytes, challenge.mac.bytes) {
            try await transaction.removeChallenge(emailHash)
            return true
        }
        challenge.attempts += 1
        if challenge.attempts >= SignerConfiguration.codeAttempts {
            try await transaction.removeChallenge(emailHash)
        } else {
            try await transaction.rewrite(challenge)
        }
        return false
    }

    /// Who could read a code reads the address's mail.
    private func confirm(_ rows: [SessionRow], _ transaction: StoreTransaction) async throws -> [SessionRow] {
        var confirmed: [SessionRow] = []
        for var row in rows {
            if !row.record.isConfirmed {
                row.record.isConfirmed = true
                try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
                if let fresh = try await transaction.session(row.record.client) { row = fresh }
            }
            confirmed.append(row)
        }
        return confirmed
    }
}
