// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import ByteCoding
internal import CommitReveal
internal import Crypto
internal import FoundationEssentials
internal import IdentityProviders
public import KeyShareProtocol
internal import KeyShares
internal import Logging
internal import Metrics
internal import Postgres
internal import ShareEnvelopes

extension KeyShareService {
    /// Answers a call of versions 1 to 3 with the bytes of its success envelope.
    ///
    /// - Throws: what the envelope of the refusal has to say.
    public func answer(_ route: KeyShareRoute, _ call: KeyShareCall) async throws(KeyShareFailure) -> [UInt8] {
        guard door.enter() else { throw KeyShareFailure(.nodeSealed, "the node is being restored: try again later") }
        defer { door.leave() }
        guard let keys = holder.keys else {
            throw KeyShareFailure(.nodeSealed, "the node is sealed until its operators open it")
        }
        switch route {
        case .registerV1, .getV1, .checkV1, .reshareV1: return try await answerV1(route, call, keys)
        case .getV2, .checkV2, .registerV2, .registerEd25519V2, .reshareV2, .reshareRegisterV2:
            return try await answerV2(route, call, keys)
        case .commitV2: return try await commit(call, .v2, keys)
        case .commitV3: return try await commit(call, .v3, keys)
        case .getV3, .checkV3, .registerV3, .reshareRegisterV3, .deleteV3, .listV3, .refreshPrepareV3,
            .refreshCommitV3, .refreshAbortV3:
            return try await answerV3(route, call, keys)
        case .backup, .restore, .backupHistory: throw KeyShareFailure(.notFound, "not a route of shares")
        }
    }

    /// Opens a session.
    private func commit(
        _ call: KeyShareCall,
        _ version: ProtocolVersion,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [UInt8] {
        let commitment = try RequestBody.decode(KeyShareV2.Commit.self, call.body, depth: 1).checked(version)
        let session = RevealSession(opening: commitment, now: now())
        guard let node = keys.nodes.first?.key else { throw KeyShareFailure(.nodeSealed, "the node has no key yet") }
        _ = try await stored(
            StoreSQL.commitSession,
            [
                .text(commitment.sessionID.uuidString), .text(commitment.operation.rawValue),
                .bytea(commitment.clientKey), .text(Hex.encode(commitment.tokenHash)), .int2(Int16(version.rawValue)),
                .timestamptz(Date(unixMilliseconds: session.createdAt)),
                .timestamptz(Date(unixMilliseconds: session.expiresAt)),
            ]
        )
        return KeyShareAnswer.success(KeyShareAnswer.Committed(session, by: node))
    }

    // MARK: Steps that all versions share

    /// Runs a statement whose refusals are the caller's.
    func stored(
        _ statement: Statement,
        _ values: [PostgresValue],
        namesCurve: Bool = true
    ) async throws(KeyShareFailure) -> [Row] {
        do throws(StoreRefusal) {
            return try await store.query(statement, values, namesCurve: namesCurve)
        } catch { throw failure(error) }
    }

    /// Gives a person's shares, opened, in the order of the keys.
    func give(
        _ wallets: [WalletPublicKey],
        to login: Login,
        _ keys: OpenKeys,
        namesCurve: Bool = true
    ) async throws(KeyShareFailure) -> [(row: ShareRow, share: ShamirShare)] {
        let values =
            login.values(.get, limit: configuration.readsPerHour, now: now()) + login.user + Self.columns(wallets)
        let rows: [ShareRow]
        do throws(StoreRefusal) {
            rows = try store.shares(
                try await store.query(StoreSQL.get, values, namesCurve: namesCurve),
                of: login.owner
            )
        } catch {
            throw await noted(failure(error), .get, login)
        }
        let shares = try await open(rows, keys)
        if login.call == nil { try await write(login.notes(.get)) }
        for (row, share) in zip(rows, shares) where row.format == 1 && sealer.writes == .v2 {
            await upgrade(row, share, keys)
        }
        return Array(zip(rows, shares))
    }

    /// Writes lines of the audit before an answer goes out.
    func write(_ notes: [AuditNote]) async throws(KeyShareFailure) {
        do throws(PostgresError) { try await trail.write(notes) } catch { throw store.unexpected(error) }
    }

    /// Tells the audit of a refusal, and counts it by itself: the statement that was refused has undone its own count, and
    /// whose wallets there are is an answer, too.
    ///
    /// - Returns: the refusal, or that of too many calls.
    func noted(_ failure: KeyShareFailure, _ action: AuditAction, _ login: Login) async -> KeyShareFailure {
        trail.note(AuditNote(action, subject: login.subject, outcome: failure.code.rawValue))
        guard Self.answers.contains(failure.code) else { return failure }
        let values: [PostgresValue] = [
            .bytea(Hex.decode(login.subject) ?? []), .int2(4), .int4(configuration.refusalsPerHour), .int8(now()),
        ]
        do throws(KeyShareFailure) { _ = try await stored(StoreSQL.countCall, values) } catch {
            if error.code == .rateLimitExceeded { return error }
        }
        return failure
    }

    /// The refusals that tell something of what is stored.
    private static let answers: Set<KeyShareFailureCode> = [
        .userNotFound, .walletNotFound, .unauthorized, .keyShareNotFound, .duplicatePublicKey, .reshareFailed,
        .epochConflict,
    ]

    /// Opens stored shares; what does not open is told to the audit.
    func open(_ rows: [ShareRow], _ keys: OpenKeys) async throws(KeyShareFailure) -> [ShamirShare] {
        var shares: [ShamirShare] = []
        for row in rows { shares.append(try await open(row, keys)) }
        return shares
    }

    private func open(_ row: ShareRow, _ keys: OpenKeys) async throws(KeyShareFailure) -> ShamirShare {
        do throws(EnvelopeError) {
            do throws(EnvelopeError) {
                return try await sealer.open(row, with: keys.ring)
            } catch .unknownEpoch {
                // Another process has begun an epoch.
                await readKeys()
                return try await sealer.open(row, with: (holder.keys ?? keys).ring)
            }
        } catch {
            tellDamage(row.id, "\(error)")
            throw KeyShareFailure(.unknownError, "The stored share cannot be opened; the operator has been told.")
        }
    }

    /// Raises the alarm for a share that is not what was stored.
    func tellDamage(_ shareID: String, _ reason: String) {
        Counter(label: "ks_share_damage_total").increment()
        logger.critical("a stored share is damaged", metadata: ["share.id": "\(shareID)", "error": "\(reason)"])
        trail.note(AuditNote(.shareDamaged, subject: "share:\(shareID)", outcome: "damaged"))
    }

    /// Rewrites a share of format 1; left to the next reader when that fails.
    func upgrade(_ row: ShareRow, _ share: ShamirShare, _ keys: OpenKeys) async {
        do {
            let sealed = try await sealer.seal(share, for: row.sealingRow(epoch: row.epoch), with: keys.ring)
            _ = try await store.query(
                StoreSQL.reseal,
                [
                    .text("2_key_shares"), .textArray([row.shareID.uuidString]), .byteaArray([row.stored]),
                    .byteaArray([sealed.bytes]), .int2(sealed.format), sealed.keyEpoch.map { .int4($0) } ?? .null,
                    .byteaArray([share.verifyingShare]),
                ]
            )
        } catch StoreRefusal.staleEpoch {
            await readKeys()
        } catch {
            logger.warning("a share was not rewritten", metadata: ["share.id": "\(row.id)", "error": "\(error)"])
        }
    }

    /// Keeps shares of new wallets, all or none.
    func register(
        _ shares: [KeyShareV3.Registered],
        for login: Login,
        mode: String,
        _ keys: OpenKeys,
        namesCurve: Bool = true
    ) async throws(KeyShareFailure) {
        var keys = keys
        for _ in 0..<3 {
            do throws(StoreRefusal) {
                let values = try await values(shares, login, mode, keys)
                _ = try await store.query(StoreSQL.register, values, namesCurve: namesCurve)
                return
            } catch .staleEpoch {
                await readKeys()
                keys = holder.keys ?? keys
            } catch {
                throw await noted(failure(error), .register, login)
            }
        }
        throw failure(StoreRefusal.staleEpoch)
    }

    private func values(
        _ shares: [KeyShareV3.Registered],
        _ login: Login,
        _ mode: String,
        _ keys: OpenKeys
    ) async throws(StoreRefusal) -> [PostgresValue] {
        var (sealed, rows): ([SealedShare], [EnvelopeRow]) = ([], [])
        for share in shares {
            let key = share.share.publicKey
            let row = EnvelopeRow(shareID: UUID(), walletID: UUID(), curve: key.curve, publicKey: key.bytes)
            do throws(EnvelopeError) {
                let bound = login.owner.bind(row, epoch: 1)
                sealed.append(try await sealer.seal(share.share.share, for: bound, with: keys.ring))
            } catch { throw .failure(store.unexpected(error)) }
            rows.append(row)
        }
        return login.values(.register, limit: configuration.writesPerHour, now: now()) + login.user + [
            login.identity.passkeyKey.map { .bytea($0) } ?? .null, .text(mode),
        ] + Self.columns(shares.map(\.share.publicKey)) + [
            .textArray(rows.map(\.walletID.uuidString)), .textArray(rows.map(\.shareID.uuidString)),
            .byteaArray(sealed.map(\.bytes)), .int2(sealed.first?.format ?? 2),
            sealed.first?.keyEpoch.map { .int4($0) } ?? .null,
            .byteaArray(shares.map(\.share.share.verifyingShare)),
            .optionalByteaArray(shares.map { $0.commitments.map { Array($0.points.joined()) } }),
        ]
    }

    /// Checks that a person has the stored shares, and stamps them.
    func confirm(
        _ shares: [WalletShare],
        for login: Login,
        _ keys: OpenKeys,
        namesCurve: Bool = true
    ) async throws(KeyShareFailure) {
        do {
            for _ in 0..<3 where try await confirmOnce(shares, login, keys, namesCurve) { return }
            throw StoreRefusal.changed
        } catch { throw await noted(failure(error), .reshare, login) }
    }

    /// Returns whether it is done; `false` when a share was changed between being read and being stamped.
    private func confirmOnce(
        _ shares: [WalletShare],
        _ login: Login,
        _ keys: OpenKeys,
        _ namesCurve: Bool
    ) async throws -> Bool {
        let rows = try await read(shares.map(\.publicKey), login, isWalletFirst: true, namesCurve: namesCurve)
        for (stored, given) in zip(try await open(rows, keys), shares) where stored != given.share {
            let place = namesCurve ? " for curve_type: \(given.publicKey.curve.rawValue)" : ""
            throw KeyShareFailure(.reshareFailed, "the share is not the stored one\(place)")
        }
        let values =
            login.values(.reshare, limit: configuration.writesPerHour, now: now()) + [
                .textArray(rows.map(\.shareID.uuidString)), .int4Array(rows.map(\.epoch)),
            ]
        do throws(StoreRefusal) { _ = try await store.query(StoreSQL.confirm, values) } catch {
            guard case .changed = error else { throw error }
            return false
        }
        return true
    }

    /// Reads a person's shares without giving them.
    func read(
        _ wallets: [WalletPublicKey],
        _ login: Login,
        isWalletFirst: Bool,
        namesCurve: Bool = true
    ) async throws(StoreRefusal) -> [ShareRow] {
        let values = login.user + Self.columns(wallets) + [.bool(isWalletFirst)]
        return try store.shares(
            try await store.query(StoreSQL.read, values, namesCurve: namesCurve),
            of: login.owner
        )
    }

    /// Whether wallets have shares, as far as a name goes that nobody has proved to have.
    func exist(
        _ wallets: [WalletPublicKey],
        authType: String,
        userAuthID: String,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [Bool] {
        let subject = keys.pseudonyms.pseudonym(of: "check:\(call.peer):\(authType):\(userAuthID)")
        let asked = Login(
            authType: authType,
            identity: VerifiedIdentity(userAuthID: userAuthID),
            subject: subject,
            call: nil,
            session: nil,
            key: nil
        )
        return try await exist(wallets, asked, limit: configuration.checksPerHour, kind: 3)
    }

    func exist(
        _ wallets: [WalletPublicKey],
        _ login: Login,
        limit: Int32,
        kind: Int16
    ) async throws(KeyShareFailure) -> [Bool] {
        let values =
            login.taking(limit: limit, now: now()) + [.int2(kind)] + login.user + Self.columns(wallets)
        let rows = try await stored(StoreSQL.check, values)
        do { return try rows.map { try $0.bool(0) } } catch { throw store.unexpected(error) }
    }

    /// Curves and keys as two parameters.
    static func columns(_ wallets: [WalletPublicKey]) -> [PostgresValue] {
        [.textArray(wallets.map(\.curve.rawValue)), .byteaArray(wallets.map(\.bytes))]
    }
}
