// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import CSodium
internal import Crypto
internal import FoundationEssentials
internal import Secp256k1

/// The Ed25519 key by which a node is known to its clients.
public struct NodeKey: Sendable, CustomStringConvertible, CustomReflectable {
    let key: Curve25519.Signing.PrivateKey
    /// 32 bytes.
    public let publicKey: [UInt8]

    /// Draws a new key.
    public init() { self.init(Curve25519.Signing.PrivateKey()) }

    /// Takes the seed of a stored key; `nil` unless it has 32 bytes.
    public init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.init(key)
    }

    private init(_ key: Curve25519.Signing.PrivateKey) {
        self.key = key
        publicKey = Array(key.publicKey.rawRepresentation)
    }

    /// 64 digits of lower case.
    public var hex: String { Hex.encode(publicKey) }

    /// The seed, to be stored encrypted; overwrite it after use.
    public var seed: [UInt8] { Array(key.rawRepresentation) }

    /// Signs the text itself, as version 3 does.
    public func signature(of text: String) -> [UInt8] { signature(of: Array(text.utf8)) }

    /// Signs bytes, 64 bytes.
    public func signature(of bytes: [UInt8]) -> [UInt8] {
        guard let signature = try? key.signature(for: bytes) else { preconditionFailure("Ed25519 signs everything") }
        return Array(signature)
    }

    public var description: String { hex }

    public var customMirror: Mirror { Mirror(self, children: ["publicKey": hex]) }
}

/// What a node and a client share after a commitment: both their Ed25519 keys, mapped to X25519.
public struct SessionKey: Sendable, CustomStringConvertible, CustomReflectable {
    let key: SymmetricKey

    /// The node's side.
    ///
    /// - Parameter client: the client's Ed25519 key of this session, 32 bytes.
    /// - Returns: `nil` for a key outside the group of prime order.
    public init?(node: NodeKey, client: [UInt8]) { self.init(key: node.key, other: client) }

    /// SHA-256("oko-v1-" || "_" || shared), where 1 is the major version of the clients' library.
    init?(key: Curve25519.Signing.PrivateKey, other: [UInt8]) {
        guard other.count == 32 else { return nil }
        var point = [UInt8](repeating: 0, count: 32)
        guard crypto_sign_ed25519_pk_to_curve25519(&point, other) == 0 else { return nil }
        // libsodium takes the seed followed by the public key; only the seed matters.
        var pair = Array(key.rawRepresentation) + Array(key.publicKey.rawRepresentation)
        var scalar = [UInt8](repeating: 0, count: 32)
        var shared = [UInt8](repeating: 0, count: 32)
        defer {
            overwrite(&pair)
            overwrite(&scalar)
            overwrite(&shared)
        }
        guard crypto_sign_ed25519_sk_to_curve25519(&scalar, pair) == 0, crypto_scalarmult(&shared, scalar, point) == 0
        else { return nil }
        var text = Array("oko-v1-_".utf8) + shared
        defer { overwrite(&text) }
        self.key = SymmetricKey(data: SHA256.hash(data: text))
    }

    /// Opens what the other side sealed; `nil` when it was changed or is bound to something else.
    ///
    /// Overwrite what comes back when it is a secret.
    public func open(_ box: SealedText, bound binding: String = "") -> [UInt8]? {
        guard let nonce = try? AES.GCM.Nonce(data: box.nonce),
            let sealed = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: box.ciphertext, tag: box.tag),
            var plain = try? AES.GCM.open(sealed, using: key, authenticating: Array(binding.utf8))
        else { return nil }
        defer { plain.withUnsafeMutableBytes { overwrite($0) } }
        return Array(plain)
    }

    /// Seals bytes for the other side with AES-256-GCM.
    public func seal(_ plain: [UInt8], bound binding: String = "") -> SealedText {
        guard let box = try? AES.GCM.seal(plain, using: key, authenticating: Array(binding.utf8)) else {
            preconditionFailure("AES-GCM seals everything that fits memory")
        }
        return SealedText(nonce: Array(box.nonce), ciphertext: Array(box.ciphertext), tag: Array(box.tag))
    }

    /// What a sealed share is bound to.
    ///
    /// - Parameters:
    ///   - session: lower case.
    ///   - curve: its name.
    ///   - isRequest: whether the client sealed it.
    public static func binding(session: String, api: KeyShareAPI, curve: String, isRequest: Bool) -> String {
        session + api.rawValue + curve + (isRequest ? "req" : "res")
    }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A text sealed under a session's key: nonce of 12 bytes, ciphertext, tag of 16 bytes.
public struct SealedText: Sendable, Hashable {
    public let nonce: [UInt8]
    public let ciphertext: [UInt8]
    public let tag: [UInt8]

    public init(nonce: [UInt8], ciphertext: [UInt8], tag: [UInt8]) {
        self.nonce = nonce
        self.ciphertext = ciphertext
        self.tag = tag
    }
}
