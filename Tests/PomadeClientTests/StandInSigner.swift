// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import LightningPrimitives
import Logging
import NIOCore
import Nostr
import PasswordHashing
import Pomade
import Secp256k1
import SigningRounds
import Synchronization
import Testing

@testable import PomadeClient

/// A signer in memory that speaks the protocol over HTTP, and can be told to misbehave.
final class StandInSigner: Sendable {
    enum Behaviour: Sendable {
        case honest
        /// Answers nothing, until the connection goes.
        case silent
        case refusing
        case wrongPartial
        case wrongNonces
        case wrongExchange
        case unprovenExchange
        case notJSON
    }

    struct Session: Sendable {
        var share: SignerShare
        var staged: SignerShare?
        var deactivatedAt: Int64?
        var policy: SessionPolicy?
        var email: String?
        var emailHash: Hex32?
        var passwordHash: Hex32?
        var isVerified = false
        let createdAt: Int64
    }

    struct State {
        var url = ""
        var behaviour = Behaviour.honest
        var sessions: [Hex32: Session] = [:]
        var pending: [Hex32: [Hex32]] = [:]
        var codes: [Hex32: String] = [:]
        var served: [SignerRoute: Int] = [:]
    }

    /// Cheap hashes for the tests' passwords.
    static let hashing = Argon2id.pomadeTest

    let state = Mutex(State())
    private let commits = PendingCommits()

    var url: String { state.withLock(\.url) }
    func behave(_ behaviour: Behaviour) { state.withLock { $0.behaviour = behaviour } }
    func served(_ route: SignerRoute) -> Int { state.withLock { $0.served[route] ?? 0 } }
    var sessions: [Session] { state.withLock { Array($0.sessions.values) } }
    var codes: [String] { state.withLock { Array($0.codes.values) } }

    /// Answers one request.
    func answer(_ path: String, _ authorization: String?, _ body: Data) async throws -> Data {
        let behaviour = state.withLock(\.behaviour)
        if case .silent = behaviour { try await Task.sleep(for: .seconds(60)) }
        if case .notJSON = behaviour { return Data("<html>".utf8) }
        do {
            guard let route = SignerRoute(rawValue: path) else { throw SignerFailure(.notFound, "No such route.") }
            if case .refusing = behaviour { throw SignerFailure(.rateLimited, "Too many requests: wait.") }
            let expected = HTTPAuthorization.Expectation(
                urls: [url + path],
                body: Array(body),
                requiresPayload: true
            )
            let authorized: HTTPAuthorization
            do throws(HTTPAuthorizationFailure) {
                authorized = try HTTPAuthorization(header: authorization, expecting: expected, now: unixSeconds())
            } catch { throw SignerFailure(.authFailed, "\(error)") }
            state.withLock { $0.served[route, default: 0] += 1 }
            let key = try #require(Hex32(authorized.key.bytes))
            return try serve(route, key, authorized.event, body, behaviour)
        } catch let failure as SignerFailure {
            return try JSONEncoder().encode(PomadeAnswer<PomadeContent.Nothing>(failure))
        } catch is DecodingError {
            let failure = SignerFailure(.badRequest, "The body does not fit.")
            return try JSONEncoder().encode(PomadeAnswer<PomadeContent.Nothing>(failure))
        }
    }

    private func serve(
        _ route: SignerRoute,
        _ key: Hex32,
        _ event: NostrEvent,
        _ body: Data,
        _ behaviour: Behaviour
    ) throws -> Data {
        func read<Body: Decodable>(_ type: Body.Type) throws -> Body { try JSONDecoder().decode(type, from: body) }
        func done(_ content: some Encodable & Sendable) throws -> Data {
            try JSONEncoder().encode(PomadeAnswer(message: "Done.", content: content))
        }
        let now = unixSeconds()
        switch route {
        case .register:
            let body = try read(PomadeBody.Register.self)
            guard event.id.leadingZeroBits >= 8 else { throw SignerFailure(.powRequired, "Work 8 bits.") }
            let share = try SignerShare(group: body.group, share: body.share)
            var session = Session(share: share, createdAt: now)
            if let proof = body.proof {
                _ = try HTTPAuthorization(
                    header: HTTPAuthorization.header(proof),
                    expecting: .init(
                        urls: [url + route.rawValue],
                        bodyDigest: body.proofPayload,
                        requiresPayload: true
                    ),
                    now: now
                )
                session.isVerified = proof.key.bytes == share.registered.userKey.bytes
            }
            let new = session
            state.withLock { $0.sessions[key] = new }
            return try done(PomadeContent.Nothing())
        case .signCommit:
            let body = try read(PomadeBody.Commit.self)
            let answer = try commits.commit(client: key, share: session(key).share, members: body.members, now: now)
            guard case .wrongNonces = behaviour else { return try done(PomadeContent.Result(answer)) }
            let wrong = PomadeContent.Commitment(
                commitID: answer.commitID,
                idx: answer.idx,
                pubkey: answer.hidden,
                hidden: answer.hidden,
                binder: answer.binder
            )
            return try done(PomadeContent.Result(wrong))
        case .commitBatch:
            let body = try read(PomadeBody.CommitBatch.self)
            return try done(
                PomadeContent.Results(
                    commits.commitBatch(
                        client: key,
                        share: session(key).share,
                        members: body.members,
                        count: body.count,
                        now: now
                    )
                )
            )
        case .signComplete:
            let body = try read(PomadeBody.Complete.self)
            let taken = try commits.take(client: key, commitID: body.commitID, now: now)
            let session = try session(key)
            let answer = try taken.complete(
                body,
                share: session.share,
                terms: TakenCommit.Terms(policy: session.policy, now: now)
            )
            guard case .wrongPartial = behaviour else { return try done(PomadeContent.Result(answer)) }
            let wrong = PomadeContent.Partial(
                idx: answer.idx,
                psig: [answer.psig[0], try #require(Hex32(Scalar.random().rawBytes))],
                pubkey: answer.pubkey,
                sid: answer.sid
            )
            return try done(PomadeContent.Result(wrong))
        case .keyExchange:
            let body = try read(PomadeBody.KeyExchange.self)
            let answer = try session(key).share.exchange(body, now: now)
            var (keyshare, proof) = (answer.keyshare, answer.proof)
            if case .wrongExchange = behaviour { keyshare = try #require(Hex33(Point.generator.compressed)) }
            if case .unprovenExchange = behaviour { proof = nil }
            return try done(
                PomadeContent.Result(
                    PomadeContent.KeyExchange(
                        idx: answer.idx,
                        keyshare: keyshare,
                        members: answer.members,
                        peer: answer.peer,
                        proof: proof
                    )
                )
            )
        default:
            return try serveAccount(route, key, body)
        }
    }

    private func serveAccount(_ route: SignerRoute, _ key: Hex32, _ body: Data) throws -> Data {
        func read<Body: Decodable>(_ type: Body.Type) throws -> Body { try JSONDecoder().decode(type, from: body) }
        func done(_ content: some Encodable & Sendable) throws -> Data {
            try JSONEncoder().encode(PomadeAnswer(message: "Done.", content: content))
        }
        func owned(_ client: Hex32) throws -> Session {
            let session = state.withLock { $0.sessions[client] }
            guard let session, session.share.registered.userKey == key else {
                throw SignerFailure(.notFound, "Your key has no such session here.")
            }
            return session
        }
        let now = unixSeconds()
        switch route {
        case .recoverySetup:
            let body = try read(PomadeBody.RecoverySetup.self)
            var session = try session(key)
            let hash = try Self.hashing.hash(Array(body.email.utf8), salt: Array(url.utf8))
            (session.email, session.emailHash) = (body.email, Hex32(hash))
            session.passwordHash = Hex32(hex: body.passwordHash)
            let new = session
            state.withLock { $0.sessions[key] = new }
        case .challenge:
            let body = try read(PomadeBody.Challenge.self)
            state.withLock { state in
                guard state.sessions.values.contains(where: { $0.emailHash == body.emailHash }) else { return }
                state.codes[body.emailHash] = "\(body.prefix)\(Int.random(in: 10_000_000...99_999_999))"
            }
        case .loginStart, .recoveryStart:
            let body = try read(PomadeBody.Start.self)
            let found = state.withLock { state in
                state.sessions.filter { _, session in
                    guard session.emailHash == body.auth.emailHash else { return false }
                    switch body.auth.secret {
                    case .passwordHash(let hash): return session.passwordHash == hash
                    case .code(let code): return state.codes[body.auth.emailHash] == code
                    }
                }
            }
            guard !found.isEmpty else { throw SignerFailure(.noSessions, "No account fits.") }
            state.withLock { $0.pending[key] = Array(found.keys) }
            return try done(PomadeContent.Items(items: found.map { item($0.key, $0.value) }))
        case .loginSelect, .recoverySelect:
            let body = try read(PomadeBody.Selection.self)
            let session = state.withLock { state -> Session? in
                state.pending.removeValue(forKey: key)?.contains(body.client) == true
                    ? state.sessions[body.client] : nil
            }
            guard let session else { throw SignerFailure(.badSelection, "No such session.") }
            let group = session.share.registered.wire
            guard route == .loginSelect else {
                return try done(PomadeContent.ShareAndGroup(share: WireShare(session.share.share), group: group))
            }
            state.withLock { $0.sessions[key] = session }
            return try done(PomadeContent.Group(group: group))
        case .sessionList:
            let items = state.withLock { state in
                state.sessions.filter { $0.value.share.registered.userKey == key }
            }
            return try done(PomadeContent.Items(items: items.map { item($0.key, $0.value) }))
        case .sessionDeactivate:
            let client = try read(PomadeBody.Selection.self).client
            _ = try owned(client)
            state.withLock { $0.sessions[client]?.deactivatedAt = now }
        case .sessionDelete:
            let client = try read(PomadeBody.Selection.self).client
            _ = try owned(client)
            state.withLock { $0.sessions[client] = nil }
        case .policy:
            let body = try read(PomadeBody.PolicyChange.self)
            _ = try owned(body.client)
            state.withLock { $0.sessions[body.client]?.policy = body.policy }
        case .refreshStage:
            let staged = try session(key).share.refreshed(by: try read(PomadeBody.RefreshStage.self))
            state.withLock { $0.sessions[key]?.staged = staged }
        case .refreshCommit:
            let gid = try read(PomadeBody.RefreshCommit.self).gid
            let session = try session(key)
            guard session.share.registered.id != gid.bytes else { break }
            guard let staged = session.staged, staged.registered.id == gid.bytes else {
                throw SignerFailure(.badGroup, "Nothing is staged under this id.")
            }
            state.withLock { $0.sessions[key]?.share = staged }
        default:
            throw SignerFailure(.notFound, "No such route.")
        }
        return try done(PomadeContent.Nothing())
    }

    private func session(_ key: Hex32) throws -> Session {
        guard let session = state.withLock({ $0.sessions[key] }) else {
            throw SignerFailure(.noSession, "No session has this key.")
        }
        guard session.deactivatedAt == nil else { throw SignerFailure(.deactivated, "Deactivated.") }
        return session
    }

    private func item(_ client: Hex32, _ session: Session) -> SessionItem {
        SessionItem(
            pubkey: session.share.registered.userKey,
            client: client,
            createdAt: session.createdAt,
            lastActivity: session.createdAt,
            threshold: session.share.registered.wire.threshold,
            total: session.share.registered.wire.commits.count,
            idx: session.share.number,
            email: session.email,
            deactivatedAt: session.deactivatedAt,
            verified: session.isVerified
        )
    }
}

/// Runs signers on ports of their own for the length of the call.
func withSigners(_ count: Int, _ body: ([StandInSigner]) async throws -> Void) async throws {
    let signers = (0..<count).map { _ in StandInSigner() }
    try await withThrowingTaskGroup(of: Void.self) { group in
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        for signer in signers {
            let router = Router()
            router.post("/**") { request, _ -> Response in
                let body = try await request.body.collect(upTo: 1 << 16)
                let answer = try await signer.answer(
                    request.uri.path,
                    request.headers[.authorization],
                    Data(body.readableBytesView)
                )
                return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: answer)))
            }
            let server = Application(
                router: router,
                configuration: .init(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { channel in
                    signer.state.withLock { $0.url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
                    isReady.yield()
                },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            group.addTask { try? await server.run() }
        }
        var missing = count
        for await _ in ready {
            missing -= 1
            if missing == 0 { break }
        }
        try await body(signers)
        group.cancelAll()
    }
}
