// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
internal import LightningPrimitives
public import PasswordHashing
public import Pomade
public import Secp256k1

/// Getting at an account with an address and a password or mailed codes, without a client's state.
public struct AccountAccess: Sendable {
    /// What the person knows.
    public enum Secret: Sendable {
        case password(String)
        /// The codes that the signers mailed, in any order; the first two digits say whose each is.
        case codes([String])
    }

    private let connections: [SignerConnection]
    private let hashing: HashingQueue
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - urls: the account's signers, at least as many as its threshold.
    ///   - hashing: other costs than the protocol's are for tests.
    ///   - now: Unix seconds.
    /// - Throws: ``ThresholdError/invalid(_:)``.
    public init(
        urls: [String],
        hashing: Argon2id = .pomade,
        now: @escaping @Sendable () -> Int64 = unixSeconds
    ) throws(ThresholdError) {
        guard (1...90).contains(urls.count), Set(urls).count == urls.count else {
            throw .invalid("name each of the account's signers once, 90 at most")
        }
        var connections: [SignerConnection] = []
        for url in urls { connections.append(try SignerConnection(url)) }
        self.connections = connections
        self.hashing = HashingQueue(hashing, waiting: 2 * urls.count)
        self.now = now
    }

    /// Asks all signers to mail a code; whether the address is known to them they do not say.
    ///
    /// - Returns: the signers that could not be asked.
    public func requestCodes(address: String) async -> [SignerFault] {
        let client = SecretKey.random()
        let results = await each { index, connection throws(SignerProblem) in
            let body = PomadeBody.Challenge(
                prefix: Self.prefix(index),
                emailHash: try await hash(address, connection)
            )
            let _: PomadeContent.Nothing = try await connection.ask(
                .challenge,
                body,
                as: SignerConnection.Signer(client),
                now: now()
            )
        }
        return faults(results)
    }

    /// Makes the key again out of the signers' shares.
    ///
    /// - Parameter account: the user's public key, where several belong to the address.
    /// - Throws: ``ThresholdError``.
    public func recover(address: String, secret: Secret, account: Hex32? = nil) async throws -> SecretKey {
        let client = SecretKey.random()
        let found = try await find(.recoveryStart, client, address, secret, account)
        let results = await each(found.signers) { _, connection throws(SignerProblem) in
            let answer: PomadeContent.ShareAndGroup = try await connection.ask(
                .recoverySelect,
                PomadeBody.Selection(client: found.session),
                as: SignerConnection.Signer(client),
                now: now()
            )
            let (group, share) = try Self.check(answer, user: found.user)
            return (group, share)
        }
        var groups: [RegisteredGroup: [Identifier: KeyShare]] = [:]
        for case .success(let (group, share)) in results.values {
            groups[group, default: [:]][share.identifier] = share
        }
        for (group, shares) in groups where shares.count >= group.wire.threshold {
            let quorum = shares.values.sorted { $0.identifier < $1.identifier }.prefix(group.wire.threshold)
            guard let secret = try? group.group.recoverSecret(from: Array(quorum)), let key = SecretKey(secret) else {
                continue
            }
            return key
        }
        throw ThresholdError.noAccount(needed: found.threshold, faults: found.faults + faults(results))
    }

    /// Makes a new session for this client at the account's signers.
    ///
    /// - Parameter account: the user's public key, where several belong to the address.
    /// - Throws: ``ThresholdError``.
    public func logIn(address: String, secret: Secret, account: Hex32? = nil) async throws -> ClientState {
        let client = SecretKey.random()
        let found = try await find(.loginStart, client, address, secret, account)
        let results = await each(found.signers) { _, connection throws(SignerProblem) in
            let answer: PomadeContent.Group = try await connection.ask(
                .loginSelect,
                PomadeBody.Selection(client: found.session),
                as: SignerConnection.Signer(client),
                now: now()
            )
            return try Self.check(answer.group, user: found.user)
        }
        var groups: [RegisteredGroup: [ClientState.Member]] = [:]
        for (index, result) in results {
            guard case .success(let group) = result, let idx = found.numbers[index] else { continue }
            groups[group, default: []].append(ClientState.Member(idx: idx, url: connections[index].url))
        }
        for (group, members) in groups where Set(members.map(\.idx)).count >= group.wire.threshold {
            return ClientState(group: group, client: client, members: members.sorted { $0.idx < $1.idx })
        }
        throw ThresholdError.noAccount(needed: found.threshold, faults: found.faults + faults(results))
    }
}

extension AccountAccess {
    /// One session of one user at enough signers.
    private struct Found {
        let user: Hex32
        let session: Hex32
        let threshold: Int
        /// The number of each signer's share, by the signer's place.
        let numbers: [Int: Int]
        let faults: [SignerFault]
        var signers: [Int] { numbers.keys.sorted() }
    }

    /// How much speaks for a session.
    ///
    /// Anybody can register a made-up group with a stranger's key and address, and use it more than its owner does; only
    /// the key itself can vouch for one.
    struct Rank: Comparable {
        private let isVerified: Bool
        private let lastActivity: Int64

        /// - Parameter items: the session as each of its signers lists it.
        init(_ items: [SessionItem]) {
            isVerified = items.allSatisfy { $0.verified == true }
            lastActivity = items.map(\.lastActivity).max() ?? 0
        }

        static func < (left: Rank, right: Rank) -> Bool {
            guard left.isVerified == right.isVerified else { return right.isVerified }
            return left.lastActivity < right.lastActivity
        }
    }

    private struct Account: Hashable {
        let user, session: Hex32
    }

    private func find(
        _ route: SignerRoute,
        _ client: SecretKey,
        _ address: String,
        _ secret: Secret,
        _ account: Hex32?
    ) async throws -> Found {
        let results = await each { index, connection throws(SignerProblem) in
            let body = PomadeBody.Start(auth: try await credentials(address, secret, index, connection))
            let answer: PomadeContent.Items = try await connection.ask(
                route,
                body,
                as: SignerConnection.Signer(client),
                now: now()
            )
            return answer.items
        }
        var accounts: [Account: [(place: Int, item: SessionItem)]] = [:]
        for (place, result) in results {
            for item in (try? result.get()) ?? [] {
                accounts[Account(user: item.pubkey, session: item.client), default: []].append((place, item))
            }
        }
        accounts = accounts.filter { account, found in
            guard let threshold = found.map(\.item.threshold).max() else { return false }
            return Set(found.map(\.item.idx)).count >= threshold
        }
        let users = Set(accounts.keys.map(\.user))
        if account == nil, users.count > 1 {
            throw ThresholdError.severalAccounts(users.sorted { $0.description < $1.description })
        }
        let usable = accounts.filter { $0.key.user == account ?? $0.key.user }
        let best = usable.max { Rank($0.value.map(\.item)) < Rank($1.value.map(\.item)) }
        guard let (key, found) = best, let threshold = found.map(\.item.threshold).max() else {
            throw ThresholdError.noAccount(needed: 1, faults: faults(results))
        }
        return Found(
            user: key.user,
            session: key.session,
            threshold: threshold,
            numbers: Dictionary(found.map { ($0.place, $0.item.idx) }, uniquingKeysWith: { first, _ in first }),
            faults: faults(results)
        )
    }

    private func credentials(
        _ address: String,
        _ secret: Secret,
        _ index: Int,
        _ connection: SignerConnection
    ) async throws(SignerProblem) -> PomadeBody.Credentials {
        let emailHash = try await hash(address, connection)
        switch secret {
        case .password(let password):
            return PomadeBody.Credentials(
                emailHash: emailHash,
                secret: .passwordHash(try await hash(address + password, connection))
            )
        case .codes(let codes):
            guard let code = codes.first(where: { $0.hasPrefix(Self.prefix(index)) }) else {
                throw .refused(nil, "no code begins with \(Self.prefix(index)), which would be this signer's")
            }
            return PomadeBody.Credentials(emailHash: emailHash, secret: .code(code))
        }
    }

    private func hash(_ text: String, _ connection: SignerConnection) async throws(SignerProblem) -> Hex32 {
        do throws(HashingError) {
            let bytes = try await hashing.hash(Array(text.utf8), salt: Array(connection.url.utf8))
            return HexBytes(certain: bytes)
        } catch { throw .refused(nil, "the password could not be hashed here: \(error)") }
    }

    /// The two digits that this signer's codes begin with.
    private static func prefix(_ index: Int) -> String { String(10 + index) }

    private static func check(_ wire: WireGroup, user: Hex32) throws(SignerProblem) -> RegisteredGroup {
        guard let group = try? RegisteredGroup(wire) else { throw .faulty("its group does not fit together") }
        guard group.userKey == user else { throw .faulty("its group is another account's") }
        return group
    }

    private static func check(
        _ answer: PomadeContent.ShareAndGroup,
        user: Hex32
    ) throws(SignerProblem) -> (RegisteredGroup, KeyShare) {
        let group = try check(answer.group, user: user)
        do throws(SignerFailure) { return (group, try group.share(answer.share)) } catch {
            throw .faulty("its share is not of its group")
        }
    }

    private func each<Value: Sendable>(
        _ places: [Int]? = nil,
        _ ask: @escaping @Sendable (Int, SignerConnection) async throws(SignerProblem) -> Value
    ) async -> [Int: Result<Value, SignerFault>] {
        await ThresholdSigner.each(places ?? Array(connections.indices)) { index throws(SignerFault) in
            do throws(SignerProblem) { return try await ask(index, connections[index]) } catch {
                throw SignerFault(number: 0, url: connections[index].url, problem: error)
            }
        }
    }

    private func faults<Value>(_ results: [Int: Result<Value, SignerFault>]) -> [SignerFault] {
        results.sorted { $0.key < $1.key }.compactMap { _, result in
            if case .failure(let fault) = result { fault } else { nil }
        }
    }
}

extension ThresholdSigner {
    /// Lets the account be recovered with an address and a password, at all signers.
    ///
    /// Signers take it within 15 minutes of the registration, once.
    /// - Parameter hashing: other costs than the protocol's are for tests.
    /// - Returns: the signers that did not take it.
    public func setRecovery(
        address: String,
        password: String,
        hashing: Argon2id = .pomade
    ) async -> [SignerFault] {
        let queue = HashingQueue(hashing, waiting: state.members.count)
        let results = await Self.each(state.members.map(\.idx)) { number throws(SignerFault) in
            let url = self.connections[number]?.url ?? ""
            let bytes: [UInt8]
            do throws(HashingError) {
                bytes = try await queue.hash(Array((address + password).utf8), salt: Array(url.utf8))
            } catch {
                throw SignerFault(
                    number: number,
                    url: url,
                    problem: .refused(nil, "the password could not be hashed here: \(error)")
                )
            }
            let hash: Hex32 = HexBytes(certain: bytes)
            let _: PomadeContent.Nothing = try await self.ask(
                number,
                .recoverySetup,
                PomadeBody.RecoverySetup(email: address, passwordHash: hash.description)
            )
        }
        return state.members.compactMap { member in
            if case .failure(let fault) = results[member.idx] { fault } else { nil }
        }
    }
}
