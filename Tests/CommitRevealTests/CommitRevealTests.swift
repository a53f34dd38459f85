// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import CommitReveal

/// Bytes written in hexadecimal.
struct HexText: Decodable, Hashable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        bytes = try #require(Hex.decode(try decoder.singleValueContainer().decode(String.self)))
    }
}

enum Vectors {
    static func load<Content: Decodable>(_ name: String) throws -> Content {
        let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Content.self, from: Data(contentsOf: folder.appending(path: name + ".json")))
    }
}

@Suite("Commit and reveal")
struct CommitRevealTests {
    struct File: Decodable {
        struct Call: Decodable {
            let operationType, apiName, message, messageSha256, crSignature: String
            let final: Bool
        }
        struct Ours: Decodable { let text, signature, body, commitText, nodeCommitSignature: String }
        let nodeSeed, nodePublicKey, nodeSignature, clientSeed: HexText
        let clientEphemeralPubkey, authType, idToken, idTokenHash, sessionId: String
        let allowedApis: [String: [String]]
        let finalApi: [String: String]
        let calls: [Call]
        let ours: Ours
    }

    private let file: File
    private let node: NodeKey
    private let client: Curve25519.Signing.PrivateKey
    /// When the published session of version 3 was opened.
    private let opened: Int64 = 1_767_323_045_000

    init() throws {
        file = try Vectors.load("oko_commit_reveal")
        node = try #require(NodeKey(seed: file.nodeSeed.bytes))
        client = try Curve25519.Signing.PrivateKey(rawRepresentation: file.clientSeed.bytes)
    }

    private func session(_ operation: String, _ version: ProtocolVersion = .v2) throws -> RevealSession {
        let commitment = try Commitment(
            sessionID: file.sessionId,
            operation: operation,
            clientKey: file.clientEphemeralPubkey,
            tokenHash: file.idTokenHash,
            version: version
        )
        return RevealSession(opening: commitment, now: opened)
    }

    private func call(_ vector: File.Call, signature: String? = nil, token: String? = nil) throws -> RevealCall {
        RevealCall(
            sessionID: file.sessionId,
            signature: signature ?? vector.crSignature,
            api: try #require(KeyShareAPI(rawValue: vector.apiName)),
            authType: file.authType,
            token: .bearer(token ?? file.idToken)
        )
    }

    @Test("hashes, messages and signatures of all eight calls are the published ones")
    func version2() throws {
        #expect(node.publicKey == file.nodePublicKey.bytes)
        #expect(Commitment.tokenHash(authType: file.authType, token: file.idToken) == Hex.decode(file.idTokenHash))
        let answer = try session("sign_in").answer(by: node)
        #expect(node.key.publicKey.isValidSignature(answer, for: digest(node.hex)))
        #expect(node.key.publicKey.isValidSignature(file.nodeSignature.bytes, for: digest(node.hex)))
        #expect(file.calls.count == 8)
        for vector in file.calls {
            let session = try session(vector.operationType)
            let call = try call(vector)
            #expect(Reveal.message(call, session, file.idToken, nodeKey: node.hex) == vector.message)
            #expect(Hex.encode(digest(vector.message)) == vector.messageSha256)
            let revealed = try Reveal.check(call, session: session, nodes: [node], now: opened)
            #expect(revealed.token == file.idToken && revealed.endsSession == vector.final)
            #expect(Hex.encode(revealed.signature) == vector.crSignature && revealed.api == call.api)
            // Only the call that was signed, in the session it was signed for, at this node.
            #expect(throws: CommitRevealFailure.wrongSignature) {
                try Reveal.check(call, session: session, nodes: [NodeKey()], now: opened)
            }
        }
    }

    @Test("the table of operations and calls is the published one")
    func table() throws {
        #expect(file.allowedApis.count == 5)
        for operation in OperationType.allCases {
            let allowed = KeyShareAPI.allCases.filter { operation.allows($0, in: .v2) }
            #expect(Set(allowed.map(\.rawValue)) == Set(file.allowedApis[operation.rawValue] ?? []))
            if let final = file.finalApi[operation.rawValue] {
                #expect(KeyShareAPI.allCases.filter { operation.ends(with: $0) }.map(\.rawValue) == [final])
            }
            for api in operation.allowedAPIs { #expect(operation.allows(api, in: .v3)) }
            #expect(operation.allowedAPIs.contains { operation.ends(with: $0) })
        }
    }

    @Test("the first check that fails is the one that answers")
    func order() throws {
        let vector = try #require(file.calls.first { $0.operationType == "sign_in_reshare" })
        let other = try #require(file.calls.first { $0.operationType == "sign_up" })
        let session = try session("sign_in_reshare")
        var (completed, expired) = (session, session)
        (completed.state, expired.state) = (.completed, .expired)
        let late = session.expiresAt
        func failure(_ call: RevealCall, _ session: RevealSession?, _ now: Int64? = nil) -> CommitRevealFailure? {
            do throws(CommitRevealFailure) {
                _ = try Reveal.check(call, session: session, nodes: [node], now: now ?? opened)
                return nil
            } catch { return error }
        }
        let good = try call(vector)
        func changed(
            id: String? = file.sessionId,
            signature: String? = vector.crSignature,
            api: KeyShareAPI = .getKeyShares,
            type: String = "google",
            token: String? = file.idToken
        ) -> RevealCall {
            RevealCall(sessionID: id, signature: signature, api: api, authType: type, token: .bearer(token))
        }
        #expect(failure(good, session) == nil && failure(good, session, late - 1) == nil)
        // Each row has every later fault as well.
        #expect(failure(changed(id: nil, api: .register, token: nil), nil, late) == .missingFields)
        #expect(failure(changed(signature: nil, api: .register, token: nil), nil, late) == .missingFields)
        #expect(failure(changed(id: "x", signature: "x", api: .register), nil, late) == .malformedSessionID)
        #expect(failure(changed(signature: "x", api: .register, token: nil), nil, late) == .sessionNotFound)
        #expect(failure(changed(signature: "x", api: .register, token: nil), completed, late) == .notCommitted)
        #expect(failure(changed(signature: "x", api: .register, token: nil), expired, late) == .expired)
        #expect(failure(changed(signature: "x", api: .register, token: nil), session, late) == .expired)
        #expect(
            failure(changed(signature: "x", api: .register, token: nil), session)
                == .notAllowed(.register, .signInReshare)
        )
        #expect(failure(changed(signature: "00", token: nil), session) == .malformedSignature)
        #expect(failure(changed(signature: other.crSignature, token: nil), session) == .missingToken)
        #expect(failure(changed(signature: other.crSignature, token: ""), session) == .missingToken)
        #expect(failure(changed(signature: other.crSignature, token: "another"), session) == .tokenMismatch)
        #expect(failure(changed(signature: other.crSignature, type: "auth0"), session) == .tokenMismatch)
        #expect(failure(changed(signature: other.crSignature), session) == .wrongSignature)
        #expect(failure(changed(api: .reshare), session) == .wrongSignature)
    }

    @Test("a call without both fields is none of a session")
    func optional() throws {
        let call = RevealCall(sessionID: nil, signature: nil, api: .register, authType: "google", token: .bearer("t"))
        #expect(try call.session() == nil)
        #expect(throws: CommitRevealFailure.missingFields) {
            try Reveal.check(call, session: session("sign_up"), nodes: [node], now: opened)
        }
    }

    @Test("the key before a rotation still verifies while it is given")
    func rotation() throws {
        let vector = try #require(file.calls.first)
        let session = try session(vector.operationType)
        _ = try Reveal.check(call(vector), session: session, nodes: [NodeKey(), node], now: opened)
    }

    @Test("lines and signatures of version 3 are the published ones")
    func version3() throws {
        let session = try session("sign_in", .v3)
        #expect(session.commitText(nodeKey: node.hex) == file.ours.commitText)
        let published = try #require(Hex.decode(file.ours.nodeCommitSignature))
        #expect(node.key.publicKey.isValidSignature(published, for: Data(file.ours.commitText.utf8)))
        #expect(node.key.publicKey.isValidSignature(session.answer(by: node), for: Data(file.ours.commitText.utf8)))
        let digest = digest(file.ours.body)
        let key = try #require(SessionKey(key: client, other: node.publicKey))
        let box = key.seal(Array(file.idToken.utf8))
        let call = RevealCall(
            sessionID: file.sessionId,
            signature: file.ours.signature,
            api: .getKeyShares,
            authType: file.authType,
            token: .sealed(box, bodyDigest: digest)
        )
        #expect(Reveal.text(call, session, digest, nodeKey: node.hex) == file.ours.text)
        #expect(try Reveal.check(call, session: session, nodes: [node], now: opened).token == file.idToken)
        func failure(_ token: RevealCall.Token, session: RevealSession) -> CommitRevealFailure? {
            let call = RevealCall(
                sessionID: file.sessionId,
                signature: file.ours.signature,
                api: .getKeyShares,
                authType: file.authType,
                token: token
            )
            do throws(CommitRevealFailure) {
                _ = try Reveal.check(call, session: session, nodes: [node], now: opened)
                return nil
            } catch { return error }
        }
        #expect(failure(.sealed(box, bodyDigest: CommitReveal.digest("{}")), session: session) == .wrongSignature)
        let stranger = try #require(SessionKey(key: .init(), other: node.publicKey)).seal(Array(file.idToken.utf8))
        #expect(failure(.sealed(stranger, bodyDigest: digest), session: session) == .sealedTokenInvalid)
        #expect(failure(.sealed(key.seal([]), bodyDigest: digest), session: session) == .missingToken)
        #expect(failure(.sealed(key.seal([0xFF]), bodyDigest: digest), session: session) == .sealedTokenInvalid)
        #expect(failure(.sealed(key.seal([65]), bodyDigest: digest), session: session) == .tokenMismatch)
        // A session of one version takes no calls of the other.
        #expect(failure(.bearer(file.idToken), session: session) == .notAllowed(.getKeyShares, .signIn))
        let old = try self.session("sign_in")
        #expect(failure(.sealed(box, bodyDigest: digest), session: old) == .notAllowed(.getKeyShares, .signIn))
    }

    @Test("commitments out of form are refused, and the field is named")
    func commitments() throws {
        let good = [file.sessionId, "sign_in", file.clientEphemeralPubkey, file.idTokenHash]
        let names = ["session_id", "operation_type", "client_ephemeral_pubkey", "id_token_hash"]
        for (index, name) in names.enumerated() {
            for bad in [
                "", "x", String(repeating: "0", count: 63), String(repeating: "0", count: 66), "sign-in", "0x00",
            ] {
                var fields = good
                fields[index] = bad
                #expect(throws: CommitRevealFailure.malformedCommitment(name)) {
                    try Commitment(
                        sessionID: fields[0],
                        operation: fields[1],
                        clientKey: fields[2],
                        tokenHash: fields[3],
                        version: .v2
                    )
                }
            }
        }
        for operation in ["refresh", "list", "delete"] {
            #expect(throws: CommitRevealFailure.malformedCommitment("operation_type")) { try session(operation) }
            #expect(try session(operation, .v3).commitment.operation.rawValue == operation)
        }
    }

    @Test("every flipped bit of a signature is refused")
    func flippedBits() throws {
        let vector = try #require(file.calls.first)
        let session = try session(vector.operationType)
        let good = try #require(Hex.decode(vector.crSignature))
        for bit in 0..<512 {
            var bytes = good
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: CommitRevealFailure.wrongSignature) {
                try Reveal.check(
                    call(vector, signature: Hex.encode(bytes)),
                    session: session,
                    nodes: [node],
                    now: opened
                )
            }
        }
    }
}

@Suite("Session keys")
struct SessionKeyTests {
    struct File: Decodable {
        struct Box: Decodable { let nonce, ciphertext, tag: HexText }
        let oauthToken: String
        let clientSeed, clientPublicKey, nodeSeed, nodePublicKey, sessionKey: HexText
        let encryptedToken: Box
    }

    private let file: File = (try? Vectors.load("session_key")) ?? { preconditionFailure("the vectors are there") }()

    @Test("both sides derive the published key and open the published token")
    func vectors() throws {
        let node = try #require(NodeKey(seed: file.nodeSeed.bytes))
        let client = try Curve25519.Signing.PrivateKey(rawRepresentation: file.clientSeed.bytes)
        #expect(node.publicKey == file.nodePublicKey.bytes)
        let ours = try #require(SessionKey(node: node, client: file.clientPublicKey.bytes))
        let theirs = try #require(SessionKey(key: client, other: node.publicKey))
        #expect(ours.key == SymmetricKey(data: file.sessionKey.bytes) && theirs.key == ours.key)
        let box = SealedText(
            nonce: file.encryptedToken.nonce.bytes,
            ciphertext: file.encryptedToken.ciphertext.bytes,
            tag: file.encryptedToken.tag.bytes
        )
        #expect(ours.open(box) == Array(file.oauthToken.utf8))
        #expect(ours.open(box, bound: "x") == nil)
    }

    @Test("a text opens only as it was sealed and for what it was bound to")
    func boxes() throws {
        let (node, client) = (NodeKey(), Curve25519.Signing.PrivateKey())
        let key = try #require(SessionKey(node: node, client: Array(client.publicKey.rawRepresentation)))
        let binding = SessionKey.binding(session: "id", api: .getKeyShares, curve: "ed25519", isRequest: false)
        #expect(binding == "idget_key_sharesed25519res")
        let box = key.seal([1, 2, 3], bound: binding)
        #expect(key.open(box, bound: binding) == [1, 2, 3])
        let request = SessionKey.binding(session: "id", api: .getKeyShares, curve: "ed25519", isRequest: true)
        #expect(key.open(box, bound: request) == nil)
        for (nonce, tag) in [([], box.tag), (box.nonce, []), (box.nonce + [0], box.tag), (box.nonce, box.tag + [0])] {
            #expect(key.open(SealedText(nonce: nonce, ciphertext: box.ciphertext, tag: tag), bound: binding) == nil)
        }
    }

    @Test("keys of small order and of another length give no session key")
    func badKeys() {
        for bytes in [
            [], [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
            [UInt8](repeating: 9, count: 33),
        ] {
            #expect(SessionKey(node: NodeKey(), client: bytes) == nil)
        }
        #expect(NodeKey(seed: []) == nil && NodeKey(seed: [1, 2, 3]) == nil)
    }

    @Test("no secret is printed")
    func redaction() throws {
        let node = NodeKey()
        let key = try #require(SessionKey(node: node, client: file.clientPublicKey.bytes))
        var dumped = ""
        dump(node, to: &dumped)
        dump(key, to: &dumped)
        #expect(!dumped.contains(Hex.encode(node.seed)) && "\(key)" == "[redacted]")
    }
}
