// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials
internal import Nostr

/// Logins by a key of Nostr: the token is a base64 event of NIP-98 for this node, signed within the last minute.
///
/// The event names the node's URL, so it is of no use at another node; against a second use at this one there is the
/// commit-reveal session, which is required.
public struct NostrProvider: IdentityProvider {
    private let urls: [String]

    /// - Parameter urls: those under which clients know this node, in full.
    public init(urls: [String]) { self.urls = urls }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        guard login.sessionID != nil else { throw .unauthorized("logins with Nostr need a session") }
        let expectation = HTTPAuthorization.Expectation(urls: urls, bodyDigest: [])
        do throws(HTTPAuthorizationFailure) {
            let event = try HTTPAuthorization(header: "Nostr " + login.token, expecting: expectation, now: login.now)
            return VerifiedIdentity(userAuthID: "nostr_" + event.key.description)
        } catch { throw .unauthorized(error.description) }
    }
}

/// The public keys of passkeys, as a node has kept them.
public protocol PasskeyKeys: Sendable {
    /// The key that came with the first login under a name; `nil` for a name that is new.
    func key(of userAuthID: String) async throws(IdentityFailure) -> [UInt8]?
}

/// Logins by a passkey (WebAuthn): the token is JSON of an assertion whose challenge is the session's id.
///
/// ```
/// {"id":BASE64URL,"client_data":BASE64URL,"authenticator_data":BASE64URL,"signature":BASE64URL,"public_key":BASE64URL?}
/// ```
///
/// The key is given when a passkey is first seen, as SubjectPublicKeyInfo of P-256 or 32 bytes of Ed25519, and kept from
/// then on: assertions on other devices do not know it.
public struct PasskeyProvider: IdentityProvider {
    private struct Assertion: Decodable {
        let id, clientData, authenticatorData, signature: String
        let publicKey: String?

        enum CodingKeys: String, CodingKey {
            case id
            case clientData = "client_data"
            case authenticatorData = "authenticator_data"
            case signature
            case publicKey = "public_key"
        }
    }

    private struct ClientData: Decodable { let type, challenge, origin: String }

    private let relyingPartyHash: [UInt8]
    private let origins: [String]
    private let keys: any PasskeyKeys

    /// The longest credential id, in bytes, whose text is a user's name.
    public static let maximumIDCount = 180

    /// - Parameters:
    ///   - relyingParty: the domain that passkeys are made for.
    ///   - origins: the pages that may ask for them, such as `https://wallet.example`.
    ///   - keys: those of passkeys that were seen before.
    public init(relyingParty: String, origins: [String], keys: any PasskeyKeys) {
        self.keys = keys
        relyingPartyHash = Array(SHA256.hash(data: Array(relyingParty.utf8)))
        self.origins = origins
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        guard let session = login.sessionID else { throw .unauthorized("logins with a passkey need a session") }
        let json = Array(login.token.utf8)
        guard StrictJSON.isStrict(json), JSONNesting.isShallow(json, limit: 1),
            let assertion = try? JSONDecoder().decode(Assertion.self, from: Data(json)),
            let id = Self.bytes(assertion.id), (16...Self.maximumIDCount).contains(id.count),
            let clientData = Self.bytes(assertion.clientData), let data = Self.bytes(assertion.authenticatorData),
            let signature = Self.bytes(assertion.signature)
        else { throw .unauthorized("the passkey's assertion is malformed") }
        try check(clientData, session)
        try check(authenticatorData: data)
        let name = "webauthn_" + Base64.encode(id, alphabet: .urlSafe, padded: false)
        let known = try await keys.key(of: name)
        guard let key = known ?? assertion.publicKey.flatMap(Self.bytes) else {
            throw .unauthorized("the passkey is not known here: send its public_key to register")
        }
        guard Self.isValid(signature, for: data + Array(SHA256.hash(data: clientData)), key: key) else {
            throw .unauthorized("the passkey's signature is wrong")
        }
        return VerifiedIdentity(userAuthID: name, passkeyKey: key)
    }

    private func check(_ clientData: [UInt8], _ session: String) throws(IdentityFailure) {
        guard StrictJSON.isStrict(clientData), JSONNesting.isShallow(clientData, limit: 4),
            let data = try? JSONDecoder().decode(ClientData.self, from: Data(clientData)), data.type == "webauthn.get"
        else { throw .unauthorized("the passkey's client data is malformed") }
        guard let challenge = Self.bytes(data.challenge), constantTimeEqual(challenge, Array(session.utf8)) else {
            throw .unauthorized("the passkey's challenge is not the session's id")
        }
        guard origins.contains(data.origin) else { throw .unauthorized("the passkey was used on another page") }
    }

    /// Hash of the relying party, flags, counter (WebAuthn section 6.1).
    private func check(authenticatorData data: [UInt8]) throws(IdentityFailure) {
        guard data.count >= 37, constantTimeEqual(data.prefix(32), relyingPartyHash) else {
            throw .unauthorized("the passkey is another service's")
        }
        // User present and user verified.
        guard data[32] & 0x05 == 0x05 else { throw .unauthorized("the passkey did not verify its user") }
    }

    private static func isValid(_ signature: [UInt8], for bytes: [UInt8], key: [UInt8]) -> Bool {
        if key.count == 32 {
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key)
            return key?.isValidSignature(signature, for: bytes) ?? false
        }
        guard let key = try? P256.Signing.PublicKey(derRepresentation: key),
            let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature)
        else { return false }
        return key.isValidSignature(signature, for: SHA256.hash(data: bytes))
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        Base64.decode(text, alphabet: .urlSafe, padding: .optional)
    }
}
