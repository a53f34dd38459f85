// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Pomade
internal import SealedRecords

extension SignerService {
    // MARK: An address for a session

    /// `/recovery/setup`: attaches an address and a password to a session that was just made.
    ///
    /// - Throws: `no_session`, `deactivated`, `recovery_disabled`, `too_late`, `recovery_already_set`, `bad_request`,
    ///   `busy`.
    public func setUpRecovery(_ body: PomadeBody.RecoverySetup, caller: SignerCaller) async throws(SignerFailure) {
        // Hashing an address takes a core for a while: it is not done for a session that is refused anyway.
        try await run { transaction in
            _ = try requireSetup(try await transaction.session(caller.key))
        }
        let passwordHash = try Self.passwordHash(body.passwordHash)
        try Self.requireAddress(body.email)
        var hashes: [Hex32] = []
        var own: Hex32?
        for url in configuration.urls {
            let hash = try await hashing.hash(Array(body.email.utf8), salt: url)
            hashes.append(hash)
            if url == caller.url { own = hash }
        }
        var verifier = verifier(emailHash: own ?? hashes[0], passwordHash: passwordHash)
        let token = Hex32.random()
        let emailHashes = hashes
        try await run { transaction in
            var row = try requireSetup(try await transaction.session(caller.key))
            verifier.isFromCode = row.record.isFromCode
            row.record.hasReplacedRecovery = row.record.isFromLogin
            row.record.email = body.email
            row.record.isConfirmed = false
            row.record.emailHashes = emailHashes
            row.record.verifier = verifier
            try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            try await transaction.insertConfirmation(token: token.bytes, client: caller.key, now: now())
            try await note(.recoverySetup, row, caller, transaction)
        }
        post.send(.recoverySet(confirmLink: link(.emailConfirm, token)), to: body.email)
    }

    private func requireSetup(_ row: SessionRow?) throws(SignerFailure) -> SessionRow {
        let time = now()
        let row = try requireActive(row)
        guard row.record.recovery else {
            throw SignerFailure(.recoveryDisabled, "The session was registered without recovery.")
        }
        guard row.record.createdAt + SignerConfiguration.shortWhile >= time else {
            throw SignerFailure(.tooLate, "Recovery is set up within 15 minutes: log in again first.")
        }
        // What a login has copied may be replaced once: how else would a forgotten password be changed?
        guard row.record.email == nil || row.record.isFromLogin && !row.record.hasReplacedRecovery else {
            throw SignerFailure(.recoveryAlreadySet, "The session has an address already.")
        }
        return row
    }

    func requireActive(_ row: SessionRow?) throws(SignerFailure) -> SessionRow {
        guard let row else { throw SignerFailure(.noSession, "No session has this key: log in again.") }
        guard row.closedAt.map({ $0 > now() }) ?? true else {
            throw SignerFailure(.deactivated, "The session is deactivated: log in again.")
        }
        return row
    }

    private static func passwordHash(_ text: String) throws(SignerFailure) -> Hex32 {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
        guard text.utf8.allSatisfy({ digits.contains($0) || letters.contains($0) }), let hash = Hex32(hex: text) else {
            throw SignerFailure(.badRequest, "password_hash is 64 hexadecimal digits of lower case.")
        }
        return hash
    }

    /// Refuses what no mail can be sent to; anything else is taken as it is, because clients hash what was typed.
    static func requireAddress(_ address: String) throws(SignerFailure) {
        let parts = address.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard address.utf8.count <= 254, parts.count == 2, parts.allSatisfy({ !$0.isEmpty }),
            address.unicodeScalars.allSatisfy({ !$0.properties.isWhitespace && $0.value > 0x20 && $0.value != 0x7F }),
            !address.contains(where: { "<>()[],;:\\\"".contains($0) })
        else { throw SignerFailure(.badRequest, "email is no address.") }
    }

    /// `/x/email/confirm` by the link that was mailed.
    ///
    /// - Throws: `not_found` for a link that was used, is too old or never was.
    public func confirmEmail(token: Hex32) async throws(SignerFailure) {
        try await run { transaction in
            guard let id = try await transaction.takeConfirmation(token: token.bytes, now: now()),
                var row = try await transaction.session(row: id)
            else { throw SignerFailure(.notFound, "The link was used already, or is too old.") }
            row.record.isConfirmed = true
            try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            try await transaction.note(
                .emailConfirmed,
                user: row.record.user,
                session: row.record.client,
                digest: token.bytes,
                now: now()
            )
        }
    }

    /// `/x/password/rotate`: a new password for all sessions of the caller's user that the old one, or a code, opens.
    ///
    /// - Throws: `no_session`, `deactivated`, `no_sessions`.
    public func rotatePassword(
        _ body: PomadeBody.PasswordRotation,
        caller: SignerCaller
    ) async throws(SignerFailure) -> PomadeContent.PasswordRotation {
        let changed = try await attempt(body.auth, caller: caller) {
            transaction -> Result<[SessionRow], SignerFailure> in
            let own = try requireActive(try await transaction.session(caller.key))
            let user = own.record.user
            let matched = try await authenticate(body.auth, transaction)
            guard case .success(let rows) = matched else { return matched }
            let mine = rows.filter { $0.record.user == user }
            guard !mine.isEmpty else { return .failure(Self.noSessions) }
            for var row in mine {
                let isFromCode = body.auth.isCode ? true : row.record.verifier?.isFromCode
                row.record.verifier = verifier(emailHash: body.auth.emailHash, passwordHash: body.passwordHash)
                row.record.verifier?.isFromCode = isFromCode
                try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            }
            try await note(.passwordRotate, own, caller, transaction)
            return .success(mine)
        }
        for address in Set(changed.compactMap(\.record.email)) { post.send(.passwordChanged, to: address) }
        return PomadeContent.PasswordRotation(sessions: changed.count)
    }

    // MARK: Codes

    /// The work of `/challenge`, which is done after the answer: nobody learns from it whether an address is known.
    public func challenge(_ body: PomadeBody.Challenge) async {
        guard limits.allowsCode(body.emailHash) else { return }
        let code = body.prefix + Self.digits(configuration.codeDigits)
        let time = now()
        let sent = try? await run { transaction -> String? in
            let rows = try await transaction.sessions(ofEmail: body.emailHash)
            guard let address = rows.first(where: { $0.record.policy?.allowsCodes ?? true })?.record.email else {
                return nil
            }
            let mac = Self.mac(body.emailHash.bytes + Array(code.utf8), keys.ring.current.code)
            try await transaction.replace(
                ChallengeRecord(
                    emailHash: body.emailHash,
                    keyID: keys.ring.current.id,
                    mac: mac,
                    createdAt: time
                )
            )
            return address
        }
        if let address = sent ?? nil { post.send(.code(code), to: address) }
    }

    /// Refuses a body that cannot be meant; this much of the work is done before the answer.
    public func requireSensible(_ body: PomadeBody.Challenge) throws(SignerFailure) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard body.prefix.utf8.count == 2, body.prefix.utf8.allSatisfy(digits.contains) else {
            throw SignerFailure(.badRequest, "prefix is two digits.")
        }
    }

    /// Draws digits, each as likely as any other.
    static func digits(_ count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        var text = ""
        while text.utf8.count < count {
            // 250 bytes make 25 of each digit; the other six are drawn again.
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            if byte < 250 { text.append(String(byte % 10)) }
        }
        return text
    }

    // MARK: Links and notes

    /// The address of a page that asks once more before it does something.
    func link(_ route: SignerRoute, _ token: Hex32) -> String { configuration.url + route.rawValue + "?token=\(token)" }

    func note(
        _ action: AuditAction,
        _ row: SessionRow,
        _ caller: SignerCaller,
        _ transaction: StoreTransaction
    ) async throws {
        try await transaction.note(
            action,
            user: row.record.user,
            session: row.record.client,
            digest: caller.bodyDigest,
            now: now()
        )
    }
}
