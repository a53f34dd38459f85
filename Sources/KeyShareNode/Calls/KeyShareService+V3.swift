// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CommitReveal
internal import Crypto
internal import FoundationEssentials
internal import KeyShareProtocol
internal import KeyShares
internal import Postgres
internal import Secp256k1
internal import ShareEnvelopes

extension KeyShareService {
    /// How long a refresh waits for its commit.
    static let refreshLifetime: Int64 = 600_000

    /// Version 3: every call in a session, tokens and shares sealed.
    func answerV3(
        _ route: KeyShareRoute,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [UInt8] {
        switch route {
        case .getV3, .checkV3, .deleteV3:
            let body = try RequestBody.decode(KeyShareV3.Get.self, call.body)
            let (login, session) = try await loginV3(route, body.login, call, keys)
            let wallets = try body.checked()
            switch route {
            case .getV3: return try await get(wallets, login, session, keys)
            case .checkV3:
                let isThere = try await exist(wallets, login, limit: configuration.readsPerHour, kind: 1)
                return Self.byCurve(wallets, isThere.map { KeyShareAnswer.Existence(exists: $0) })
            default:
                try await change(StoreSQL.delete, .delete, login, login.user + Self.columns(wallets))
                return KeyShareAnswer.empty
            }
        case .registerV3, .reshareRegisterV3:
            let body = try RequestBody.decode(KeyShareV3.Register.self, call.body)
            let (login, session) = try await loginV3(route, body.login, call, keys)
            let shares = try body.checked(session: session.id, api: session.api, key: session.key)
            try await register(shares, for: login, mode: "register", keys)
            return KeyShareAnswer.empty
        case .listV3:
            let body = try RequestBody.decode(KeyShareV3.List.self, call.body)
            return try await list(try await loginV3(route, body, call, keys).login)
        case .refreshPrepareV3:
            let body = try RequestBody.decode(KeyShareV3.RefreshPrepare.self, call.body)
            let (login, session) = try await loginV3(route, body.login, call, keys)
            return try await prepare(try body.checked(session: session.id, key: session.key), login, keys)
        default:
            let body = try RequestBody.decode(KeyShareV3.RefreshDecision.self, call.body)
            let (login, _) = try await loginV3(route, body.login, call, keys)
            let isCommit = route == .refreshCommitV3
            let values =
                login.user + [.text(body.refreshID.uuidString), .timestamptz(Date(unixMilliseconds: now()))]
            try await change(
                isCommit ? StoreSQL.commitRefresh : StoreSQL.abortRefresh,
                isCommit ? .refreshCommit : .refreshAbort,
                login,
                values
            )
            return KeyShareAnswer.empty
        }
    }

    /// What sealed members are opened and bound with.
    private struct SealedSession {
        let id: String
        let api: KeyShareAPI
        let key: SessionKey
    }

    private func loginV3(
        _ route: KeyShareRoute,
        _ fields: KeyShareV3.Login,
        _ call: KeyShareCall,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> (login: Login, session: SealedSession) {
        let proof = Proof(
            authType: fields.authType,
            api: route.api,
            sessionID: call.session,
            signature: call.signature,
            token: .sealed(fields.token.text, bodyDigest: Array(SHA256.hash(data: call.body))),
            isSessionNeeded: true,
            peer: call.peer
        )
        let login = try await login(proof, keys)
        guard let session = login.session, let api = route.api, let key = login.key else {
            throw KeyShareFailure(CommitRevealFailure.sealedTokenInvalid)
        }
        return (login, SealedSession(id: session.id, api: api, key: key))
    }

    private func get(
        _ wallets: [WalletPublicKey],
        _ login: Login,
        _ session: SealedSession,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [UInt8] {
        let shares = try await give(wallets, to: login, keys)
        let sealed = shares.map { row, share in
            var bytes = share.bytes
            defer { overwrite(&bytes) }
            let binding = SessionKey.binding(
                session: session.id,
                api: session.api,
                curve: row.curve.rawValue,
                isRequest: false
            )
            let text = KeyShareV3.Sealed(session.key.seal(bytes, bound: binding))
            return KeyShareAnswer.SealedShare(shareID: row.id, epoch: row.epoch, share: text)
        }
        return Self.byCurve(wallets, sealed)
    }

    private func list(_ login: Login) async throws(KeyShareFailure) -> [UInt8] {
        let rows = try await change(StoreSQL.list, .list, login, login.user, limit: configuration.readsPerHour)
        do {
            let wallets = try rows.map { row in
                guard let curve = ShareCurve(rawValue: try row.text(0)) else {
                    throw PostgresError(.malformed, "a wallet's row is of no known curve")
                }
                return KeyShareAnswer.Wallet(
                    key: try WalletPublicKey(curve, row.bytea(1)),
                    epoch: try row.int4(2),
                    createdAt: Self.text(try row.date(3)),
                    updatedAt: Self.text(try row.date(4))
                )
            }
            return KeyShareAnswer.success(wallets)
        } catch { throw store.unexpected(error) }
    }

    private static func text(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// Runs a statement that changes a person's rows, with its lines of the audit.
    @discardableResult
    private func change(
        _ statement: Statement,
        _ action: AuditAction,
        _ login: Login,
        _ values: [PostgresValue],
        limit: Int32? = nil
    ) async throws(KeyShareFailure) -> [Row] {
        let limit = limit ?? configuration.writesPerHour
        do throws(StoreRefusal) {
            return try await store.query(statement, login.values(action, limit: limit, now: now()) + values)
        } catch { throw await noted(failure(error), action, login) }
    }

    // MARK: Refresh

    private func prepare(
        _ refreshes: [KeyShareV3.Refreshed],
        _ login: Login,
        _ keys: OpenKeys
    ) async throws(KeyShareFailure) -> [UInt8] {
        do {
            for _ in 0..<3 {
                if let prepared = try await prepareOnce(refreshes, login, holder.keys ?? keys) {
                    return KeyShareAnswer.success(prepared)
                }
                await readKeys()
            }
            throw StoreRefusal.staleEpoch
        } catch { throw await noted(failure(error), .refreshPrepare, login) }
    }

    /// Returns `nil` when the keys have to be read anew.
    private func prepareOnce(
        _ refreshes: [KeyShareV3.Refreshed],
        _ login: Login,
        _ keys: OpenKeys
    ) async throws -> KeyShareAnswer.Prepared? {
        let rows = try await read(refreshes.map(\.publicKey), login, isWalletFirst: false)
        let next = try Self.refresh(rows, try await open(rows, keys), refreshes)
        let id = UUID()
        let values =
            login.values(.refreshPrepare, limit: configuration.writesPerHour, now: now())
            + (try await pending(id, rows, next, keys))
        do throws(StoreRefusal) { _ = try await store.query(StoreSQL.prepareRefresh, values) } catch {
            guard case .staleEpoch = error else { throw error }
            return nil
        }
        let pairs = zip(rows.map(\.curve), next.map(\.epoch))
        return KeyShareAnswer.Prepared(
            refreshID: id.uuidString.lowercased(),
            epochs: Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        )
    }

    /// The shares of the next epoch.
    private static func refresh(
        _ rows: [ShareRow],
        _ shares: [ShamirShare],
        _ refreshes: [KeyShareV3.Refreshed]
    ) throws(KeyShareFailure) -> [EpochShare] {
        var next: [EpochShare] = []
        for (index, refresh) in refreshes.enumerated() {
            let current = EpochShare(
                shares[index],
                epoch: rows[index].epoch,
                commitments: rows[index].commitments
            )
            do throws(KeyShareError) {
                next.append(
                    try current.refreshed(by: refresh.delta, commitments: refresh.commitments, from: refresh.epoch)
                )
            } catch { throw KeyShareFailure(error) }
        }
        return next
    }

    private func pending(
        _ id: UUID,
        _ rows: [ShareRow],
        _ next: [EpochShare],
        _ keys: OpenKeys
    ) async throws(StoreRefusal) -> [PostgresValue] {
        var sealed: [SealedShare] = []
        for (row, share) in zip(rows, next) {
            do throws(EnvelopeError) {
                let bound = row.sealingRow(epoch: share.epoch)
                sealed.append(try await sealer.seal(share.share, for: bound, with: keys.ring))
            } catch { throw .failure(store.unexpected(error)) }
        }
        return [
            .text(id.uuidString), .timestamptz(Date(unixMilliseconds: now() + Self.refreshLifetime)),
            .textArray(rows.map(\.shareID.uuidString)), .int4Array(next.map(\.epoch)),
            .int4Array(rows.map { Int32($0.curve.publicKeyCount) }), .byteaArray(sealed.map(\.bytes)),
            .int2(sealed.first?.format ?? 2), sealed.first?.keyEpoch.map { .int4($0) } ?? .null,
            .byteaArray(next.map(\.share.verifyingShare)),
            .optionalByteaArray(next.map { $0.commitments.map { Array($0.points.joined()) } }),
        ]
    }
}
