// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import FoundationEssentials

/// A call that reveals the token of a commitment, as it came.
public struct RevealCall: Sendable {
    /// How the token came.
    public enum Token: Sendable, Hashable {
        /// In clear, with the body's other members (version 2); `nil` without a Bearer.
        case bearer(String?)
        /// Sealed under the session's key (version 3), with SHA-256 of the body as it came.
        case sealed(SealedText, bodyDigest: [UInt8])
    }

    public let sessionID: String?
    public let signature: String?
    public let api: KeyShareAPI
    public let authType: String
    public let token: Token

    public init(sessionID: String?, signature: String?, api: KeyShareAPI, authType: String, token: Token) {
        self.sessionID = sessionID
        self.signature = signature
        self.api = api
        self.authType = authType
        self.token = token
    }

    /// The session to look up: the first checks.
    ///
    /// - Returns: `nil` when the call has neither of the fields and so is none of a session.
    /// - Throws: `.missingFields` when one is there, `.malformedSessionID`.
    public func session() throws(CommitRevealFailure) -> UUID? {
        if sessionID == nil, signature == nil { return nil }
        guard let sessionID, signature != nil else { throw .missingFields }
        guard let id = UUID(uuidString: sessionID) else { throw .malformedSessionID }
        return id
    }
}

/// A call that passed every check but the login's own, to be recorded before it is done.
public struct RevealedCall: Sendable {
    public let sessionID: UUID
    public let api: KeyShareAPI
    /// 64 bytes; no other call may ever have it.
    public let signature: [UInt8]
    public let token: String
    /// Whether the session is completed by it.
    public let endsSession: Bool
}

/// The order of checks between a commitment and the login's own verification.
public enum Reveal {
    /// Checks a call.
    ///
    /// - Parameters:
    ///   - session: what was found under the id of ``RevealCall/session()``.
    ///   - nodes: the node's key, and for a while after a rotation the one before.
    ///   - now: Unix milliseconds.
    /// - Throws: the first check that fails, in the order of the protocol.
    public static func check(
        _ call: RevealCall,
        session: RevealSession?,
        nodes: [NodeKey],
        now: Int64
    ) throws(CommitRevealFailure) -> RevealedCall {
        guard let id = try call.session(), let signatureText = call.signature else { throw .missingFields }
        guard let session, session.commitment.sessionID == id else { throw .sessionNotFound }
        // An expired session stays COMMITTED in the store until it is swept.
        if session.state == .expired { throw .expired }
        guard session.state == .committed else { throw .notCommitted }
        guard now < session.expiresAt else { throw .expired }
        let commitment = session.commitment
        guard commitment.operation.allows(call.api, in: commitment.version), matches(call.token, commitment.version)
        else { throw .notAllowed(call.api, commitment.operation) }
        guard let signature = Hex.decode(signatureText), signature.count == 64 else { throw .malformedSignature }
        let token = try verify(call, session, signature, nodes)
        return RevealedCall(
            sessionID: id,
            api: call.api,
            signature: signature,
            token: token,
            endsSession: commitment.operation.ends(with: call.api)
        )
    }

    private static func matches(_ token: RevealCall.Token, _ version: ProtocolVersion) -> Bool {
        switch token {
        case .bearer: version == .v2
        case .sealed: version == .v3
        }
    }

    private static func verify(
        _ call: RevealCall,
        _ session: RevealSession,
        _ signature: [UInt8],
        _ nodes: [NodeKey]
    ) throws(CommitRevealFailure) -> String {
        switch call.token {
        case .bearer(let token):
            guard let token, !token.isEmpty else { throw .missingToken }
            try requireCommitted(token, call, session)
            let isSigned = nodes.contains { node in
                isValid(signature, of: digest(message(call, session, token, nodeKey: node.hex)), by: session)
            }
            guard isSigned else { throw .wrongSignature }
            return token
        case .sealed(let box, let bodyDigest):
            let signed = nodes.first { node in
                isValid(signature, of: Array(text(call, session, bodyDigest, nodeKey: node.hex).utf8), by: session)
            }
            guard let node = signed else { throw .wrongSignature }
            guard let key = SessionKey(node: node, client: session.commitment.clientKey), let plain = key.open(box),
                let token = String(validating: plain, as: UTF8.self)
            else { throw .sealedTokenInvalid }
            guard !token.isEmpty else { throw .missingToken }
            try requireCommitted(token, call, session)
            return token
        }
    }

    private static func requireCommitted(
        _ token: String,
        _ call: RevealCall,
        _ session: RevealSession
    ) throws(CommitRevealFailure) {
        let hash = Commitment.tokenHash(authType: call.authType, token: token)
        guard constantTimeEqual(hash, session.commitment.tokenHash) else { throw .tokenMismatch }
    }

    private static func isValid(_ signature: [UInt8], of bytes: [UInt8], by session: RevealSession) -> Bool {
        let key = try? Curve25519.Signing.PublicKey(rawRepresentation: session.commitment.clientKey)
        return key?.isValidSignature(signature, for: bytes) ?? false
    }

    /// What a client signs the SHA-256 of in version 2.
    static func message(_ call: RevealCall, _ session: RevealSession, _ token: String, nodeKey: String) -> String {
        nodeKey + session.id + call.authType + token + session.commitment.operation.rawValue + call.api.rawValue
    }

    /// The lines that a client signs in version 3.
    static func text(
        _ call: RevealCall,
        _ session: RevealSession,
        _ bodyDigest: [UInt8],
        nodeKey: String
    ) -> String {
        [
            "assay-ks-call-v3", nodeKey, session.id, call.authType, Hex.encode(session.commitment.tokenHash),
            session.commitment.operation.rawValue, call.api.rawValue, Hex.encode(bodyDigest),
        ].joined(separator: "\n")
    }
}
