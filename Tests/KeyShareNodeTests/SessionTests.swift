// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import CommitReveal
import Crypto
import Foundation
import IdentityProviders
import KeyShareProtocol
import KeyShares
import Testing

@testable import KeyShareNode

/// A client of one session, as wallets have it.
struct SessionClient: Sendable {
    /// The client's own key; signs as a node's does.
    let key: NodeKey
    let id: String
    let operation: OperationType
    let authType: String
    let token: String
    let version: ProtocolVersion
    var nodeKey = ""

    init(
        _ operation: OperationType,
        token: String = "alice:\(UUID().uuidString)",
        authType: String = "google",
        version: ProtocolVersion = .v2
    ) {
        key = NodeKey()
        id = UUID().uuidString.lowercased()
        self.operation = operation
        self.authType = authType
        self.token = token
        self.version = version
    }

    var commitBody: String {
        let hash = Hex.encode(Commitment.tokenHash(authType: authType, token: token))
        return #"""
            {"session_id":"\#(id)","operation_type":"\#(operation.rawValue)","client_ephemeral_pubkey":"\#(key.hex)",
            "id_token_hash":"\#(hash)"}
            """#
    }

    /// Opens the session and learns the node's key.
    mutating func commit(_ stage: Stage) async throws {
        let answer = try await stage.call(version == .v2 ? .commitV2 : .commitV3, as: nil, commitBody)
        nodeKey = try #require(answer.data["node_pubkey"] as? String)
    }

    static func opened(
        _ stage: Stage,
        _ operation: OperationType,
        token: String = "alice:\(UUID().uuidString)",
        version: ProtocolVersion = .v2
    ) async throws -> SessionClient {
        var client = SessionClient(operation, token: token, version: version)
        try await client.commit(stage)
        return client
    }

    // MARK: Version 2

    /// A body with the session's members.
    func body(_ members: String, api: KeyShareAPI) -> String {
        let text = nodeKey + id + authType + token + operation.rawValue + api.rawValue
        let signature = key.signature(of: Array(SHA256.hash(data: Array(text.utf8))))
        return #"{"cr_session_id":"\#(id)","cr_signature":"\#(Hex.encode(signature))",\#(members)}"#
    }

    // MARK: Version 3

    var sessionKey: SessionKey {
        get throws {
            let node = try #require(Hex.decode(nodeKey))
            return try #require(SessionKey(node: key, client: node))
        }
    }

    func seal(_ bytes: [UInt8], bound binding: String = "") throws -> String {
        let text = try sessionKey.seal(bytes, bound: binding)
        return #"""
            {"nonce":"\#(Hex.encode(text.nonce))","ciphertext":"\#(Hex.encode(text.ciphertext))",\#
            "tag":"\#(Hex.encode(text.tag))"}
            """#
    }

    func sealed(_ share: ShamirShare, api: KeyShareAPI) throws -> String {
        let binding = SessionKey.binding(session: id, api: api, curve: share.curve.rawValue, isRequest: true)
        return try seal(share.bytes, bound: binding)
    }

    func call(_ route: KeyShareRoute, _ members: String = "") throws -> KeyShareCall {
        let separator = members.isEmpty ? "" : ","
        let body = Array(
            #"{"auth_type":"\#(authType)","enc_token":\#(try seal(Array(token.utf8)))\#(separator)\#(members)}"#.utf8
        )
        let text = [
            "assay-ks-call-v3", nodeKey, id, authType,
            Hex.encode(Commitment.tokenHash(authType: authType, token: token)), operation.rawValue,
            route.api?.rawValue ?? "", Hex.encode(Array(SHA256.hash(data: body))),
        ].joined(separator: "\n")
        return KeyShareCall(
            session: id,
            signature: Hex.encode(key.signature(of: text)),
            body: body,
            peer: "192.0.2.7"
        )
    }

    @discardableResult
    func send(_ stage: Stage, _ route: KeyShareRoute, _ members: String = "") async throws -> Answer {
        try Answer(try await stage.service.answer(route, try call(route, members)))
    }

    func code(_ stage: Stage, _ route: KeyShareRoute, _ members: String = "") async throws -> KeyShareFailureCode? {
        do {
            try await send(stage, route, members)
            return nil
        } catch let failure as KeyShareFailure { return failure.code }
    }

    /// Opens a share of an answer.
    func open(_ wallet: [String: Any], _ curve: ShareCurve) throws -> (epoch: Int, share: ShamirShare) {
        let box = try #require(wallet["share"] as? [String: String])
        func bytes(_ name: String) throws -> [UInt8] { try #require(box[name].flatMap { Hex.decode($0) }) }
        let text = SealedText(
            nonce: try bytes("nonce"),
            ciphertext: try bytes("ciphertext"),
            tag: try bytes("tag")
        )
        let binding = SessionKey.binding(session: id, api: .getKeyShares, curve: curve.rawValue, isRequest: false)
        let key = try sessionKey
        let plain = try #require(key.open(text, bound: binding))
        let epoch = try #require(wallet["epoch"] as? Int)
        return (epoch, try ShamirShare(curve, plain))
    }
}

/// Sessions: what is refused, in which order, and that every call is made once.
@Suite struct SessionTests {
    private func getMembers(_ wallet: TestWallet) -> String { #""wallets":{"secp256k1":"\#(wallet.publicKey)"}"# }

    @Test func `a session's calls are refused in the protocol's order`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let get = self.getMembers(wallet)
            let session = try await SessionClient.opened(stage, .signIn)
            func code(_ body: String, as token: String? = nil) async throws -> KeyShareFailureCode? {
                try await stage.code(.getV2, as: token ?? session.token, body)
            }
            let good = session.body(get, api: .getKeyShares)
            #expect(try await code(#"{"cr_session_id":"\#(session.id)",\#(get)}"#) == .invalidRequest)
            #expect(
                try await code(#"{"cr_session_id":"x","cr_signature":"00",\#(get)}"#) == .invalidRequest
            )
            #expect(
                try await code(#"{"cr_session_id":"\#(UUID().uuidString)","cr_signature":"00",\#(get)}"#)
                    == .sessionNotFound
            )
            // Only calls of the operation; this is asked before the signature's form.
            let register =
                #"{"cr_session_id":"\#(session.id)","cr_signature":"00","wallets":{"secp256k1":{\#(wallet.members)}}}"#
            #expect(try await stage.code(.reshareRegisterV2, as: session.token, register) == .invalidRequest)
            #expect(
                try await code(#"{"cr_session_id":"\#(session.id)","cr_signature":"00",\#(get)}"#) == .invalidSignature
            )
            let call = KeyShareCall(body: Array(good.utf8), peer: "x")
            await #expect(throws: KeyShareFailure(.unauthorized, "Authorization header with Bearer token required")) {
                try await stage.service.answer(.getV2, call)
            }
            #expect(try await code(good, as: "alice:another") == .invalidRequest)
            #expect(try await code(session.body(get, api: .register)) == .invalidSignature)
            // A wallet that is not there undoes the call, so that it can be made again.
            let none = self.getMembers(try TestWallet(.secp256k1))
            #expect(try await code(session.body(none, api: .getKeyShares)) == .walletNotFound)
            #expect(try await code(good) == nil)
            #expect(try await code(good) == .invalidRequest, "the session is completed")
        }
    }

    @Test func `a session ends after five minutes, and its token stays used`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let session = try await SessionClient.opened(stage, .signIn)
            let body = session.body(self.getMembers(wallet), api: .getKeyShares)
            stage.clock.advance(seconds: 301)
            #expect(try await stage.code(.getV2, as: session.token, body) == .sessionExpired)
            try await stage.service.purge()
            #expect(try await stage.code(.getV2, as: session.token, body) == .sessionExpired)
            stage.clock.advance(seconds: 86_400)
            try await stage.service.purge()
            #expect(try await stage.code(.getV2, as: session.token, body) == .sessionNotFound)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_commit_reveal_sessions""#) == 0)
            // The token's hash outlives its session.
            let again = SessionClient(.signIn, token: session.token)
            #expect(try await stage.code(.commitV2, as: nil, again.commitBody) == .sessionAlreadyExists)
            stage.clock.advance(seconds: 86_400)
            try await stage.service.purge()
            #expect(try await stage.code(.commitV2, as: nil, again.commitBody) == nil)
        }
    }

    @Test func `an id, a key or a token is committed to once`() async throws {
        try await Stage.with { stage in
            let first = try await SessionClient.opened(stage, .signIn)
            #expect(try await stage.code(.commitV2, as: nil, first.commitBody) == .sessionAlreadyExists)
            let sameID = SessionClient(.signIn).commitBody.replacingOccurrences(
                of: #""session_id":"[^"]*""#,
                with: #""session_id":"\#(first.id)""#,
                options: .regularExpression
            )
            #expect(try await stage.code(.commitV2, as: nil, sameID) == .sessionAlreadyExists)
            let sameKey = SessionClient(.signIn).commitBody.replacingOccurrences(
                of: #""client_ephemeral_pubkey":"[^"]*""#,
                with: #""client_ephemeral_pubkey":"\#(first.key.hex)""#,
                options: .regularExpression
            )
            #expect(try await stage.code(.commitV2, as: nil, sameKey) == .sessionAlreadyExists)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_commit_reveal_sessions""#) == 1)
        }
    }

    @Test func `of one call that is sent many times at once exactly one is answered`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let other = try await stage.other()
            let session = try await SessionClient.opened(stage, .signInReshare)
            let body = session.body(self.getMembers(wallet), api: .getKeyShares)
            let codes = try await withThrowingTaskGroup(of: KeyShareFailureCode?.self) { group in
                for number in 0..<12 {
                    let node = number % 2 == 0 ? stage : other
                    group.addTask { try await node.code(.getV2, as: session.token, body) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == 1)
            #expect(codes.filter { $0 == .sessionAlreadyExists }.count == 11)
        }
    }

    @Test func `a call that was made before is refused before its login is asked for`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let session = try await SessionClient.opened(stage, .signInReshare)
            let body = session.body(self.getMembers(wallet), api: .getKeyShares)
            #expect(try await stage.code(.getV2, as: session.token, body) == nil)
            #expect(try await stage.code(.getV2, as: session.token, body) == .sessionAlreadyExists)
            // A login that is refused leaves its call unmade.
            let bad = try await SessionClient.opened(stage, .signIn, token: "bad:1")
            let refused = bad.body(self.getMembers(wallet), api: .getKeyShares)
            #expect(try await stage.code(.getV2, as: bad.token, refused) == .unauthorized)
            #expect(try await stage.code(.getV2, as: bad.token, refused) == .unauthorized)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_commit_reveal_api_calls""#) == 1)
        }
    }

    @Test func `a token that was committed to at one node is of no use at another node`() async throws {
        try await Stage.with { stage in
            try await Stage.with { second in
                let wallet = try TestWallet(.secp256k1)
                for node in [stage, second] { try await node.register(wallet) }
                // The first node saw this call; it replays it at the second, where the client has committed as well.
                let session = try await SessionClient.opened(stage, .signIn)
                _ = try await second.call(.commitV2, as: nil, session.commitBody)
                let seen = session.body(self.getMembers(wallet), api: .getKeyShares)
                #expect(try await second.code(.getV2, as: session.token, seen) == .invalidSignature)
                #expect(try await stage.code(.getV2, as: session.token, seen) == nil)
            }
        }
    }

    @Test func `a token of a session is of no use without it, where sessions are optional`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            // The client has committed here and revealed elsewhere; whoever saw the token is quicker than the client.
            let session = try await SessionClient.opened(stage, .signIn)
            let v1 = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            #expect(try await stage.code(.getV1, as: session.token, v1) == .unauthorized)
            #expect(try await stage.code(.getV2, as: session.token, "{\(self.getMembers(wallet))}") == .unauthorized)
            #expect(try await stage.other().code(.getV1, as: session.token, v1) == .unauthorized)
            let body = session.body(self.getMembers(wallet), api: .getKeyShares)
            #expect(try await stage.code(.getV2, as: session.token, body) == nil)
            // Nor afterwards, nor when the session is gone.
            #expect(try await stage.code(.getV1, as: session.token, v1) == .unauthorized)
            stage.clock.advance(seconds: 26 * 3600)
            try await stage.service.purge()
            #expect(try await stage.number(#"SELECT count(*) FROM "2_commit_reveal_sessions""#) == 0)
            #expect(try await stage.code(.getV1, as: session.token, v1) == .unauthorized)
            #expect(try await stage.code(.getV1, as: "alice:another", v1) == nil)
        }
    }

    @Test func `a token of ECDSA is the same token with the other of its two signatures`() async throws {
        try await Stage.with { stage in
            func text(_ signature: [UInt8]) -> String {
                let parts = [Array(#"{"alg":"ES256"}"#.utf8), Array(#"{"sub":"alice"}"#.utf8), signature]
                return parts.map { Base64.encode($0, alphabet: .urlSafe, padded: false) }.joined(separator: ".")
            }
            let token = text([UInt8](repeating: 0x21, count: 64))
            let twin = try #require(LoginAttempt(token: token, sessionID: nil, now: 0).twinToken)
            let wallet = try TestWallet(.secp256k1)
            for name in [token, twin, "alice"] { try await stage.register(wallet, as: name) }
            let session = try await SessionClient.opened(stage, .signIn, token: token)
            let v1 = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            #expect(try await stage.code(.getV1, as: twin, v1) == .unauthorized)
            // A thief's session comes later than the owner's.
            stage.clock.advance(seconds: 1)
            let late = try await SessionClient.opened(stage, .signIn, token: twin)
            let members = self.getMembers(wallet)
            #expect(
                try await stage.code(.getV2, as: twin, late.body(members, api: .getKeyShares)) == .unauthorized
            )
            #expect(try await stage.code(.getV2, as: token, session.body(members, api: .getKeyShares)) == nil)
        }
    }

    @Test func `sessions are as the operator wants them: off, optional or required`() async throws {
        for mode in KeyShareConfiguration.Sessions.allCases {
            try await Stage.with(change: { $0.sessions = mode }) { stage in
                let (first, second) = (try TestWallet(.secp256k1), try TestWallet(.ed25519))
                let members = String(FormerRouteTests.wallets(first, second).dropFirst().dropLast())
                var session = SessionClient(.signUp)
                try await session.commit(stage)
                let body = session.body(members, api: .register)
                #expect(try await stage.code(.registerV2, as: session.token, body) == nil)
                let bare = #"{\#(self.getMembers(first))}"#
                #expect(try await stage.code(.getV2, bare) == (mode == .required ? .invalidRequest : nil))
                let v1 = #"{"curve_type":"secp256k1","public_key":"\#(first.publicKey)"}"#
                #expect(try await stage.code(.getV1, v1) == (mode == .required ? .invalidRequest : nil))
                let wrong = #"{"cr_session_id":"x","cr_signature":"00",\#(self.getMembers(first))}"#
                #expect(try await stage.code(.getV2, wrong) == (mode == .off ? nil : .invalidRequest))
            }
        }
    }

    @Test func `the node proves its key, and a key that took its place is signed by it`() async throws {
        try await Stage.with { stage in
            let other = try await stage.other()
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let early = try await SessionClient.opened(stage, .signIn)
            let middle = try await SessionClient.opened(stage, .signIn)
            let next = try await stage.service.rotateKeypair()
            // The other process follows at once: the client signs for the new key, or still for the one before.
            let late = try await SessionClient.opened(stage, .signIn)
            #expect(late.nodeKey == Hex.encode(next.publicKey) && late.nodeKey != early.nodeKey)
            for session in [late, early] {
                let body = session.body(self.getMembers(wallet), api: .getKeyShares)
                #expect(try await other.code(.getV2, as: session.token, body) == nil)
            }
            let keys = try await other.service.publicKeys()
            #expect(keys.map(\.version) == [2, 1] && keys.map(\.isActive) == [true, false])
            #expect(keys[0].isSigned(by: keys[1]))
            // After ten minutes the key before verifies nothing; the session is kept alive to see that.
            stage.clock.advance(seconds: 601)
            try await stage.run(#"UPDATE "2_commit_reveal_sessions" SET expires_at = now() + interval '1 day'"#)
            let body = middle.body(self.getMembers(wallet), api: .getKeyShares)
            #expect(try await other.code(.getV2, as: middle.token, body) == .invalidSignature)
        }
    }
}
