// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Crypto
internal import FoundationEssentials
public import ShareEnvelopes

/// The key of a backup, from which the key of its file comes.
public struct BackupKey: Sendable, CustomStringConvertible, CustomReflectable {
    let key: SymmetricKey

    /// Takes 32 bytes.
    init(_ key: SymmetricKey) { self.key = key }

    /// The key that comes from a node's root secret: whoever has the node can read the backup.
    public init(root: RootSecret) {
        key = root.derivedKey(salt: "assay/keyshare/v2", info: Array("backup".utf8))
    }

    /// HKDF-SHA256 with the file's salt.
    func fileKey(salt: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key,
            salt: salt,
            info: Array(Self.info.utf8),
            outputByteCount: 32
        )
    }

    /// HMAC-SHA256 of a key that was made for a file, which only who has this node's root secret can make.
    ///
    /// The other's key is secret, so it cannot be taken along to another file.
    func origin(of other: BackupKey, salt: [UInt8]) -> HMAC<SHA256>.MAC {
        let own = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key,
            salt: salt,
            info: Array("assay/keyshare/backup/origin/v1".utf8),
            outputByteCount: 32
        )
        return other.key.withUnsafeBytes { HMAC<SHA256>.authenticationCode(for: $0, using: own) }
    }

    static let info = "assay/keyshare/backup/v1"

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Someone who can read backups with a key that no node has.
public struct BackupRecipient: Sendable, Hashable, CustomStringConvertible {
    static let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .chaChaPoly)

    /// The public key of X25519, 32 bytes.
    public let publicKey: [UInt8]

    /// Reads 64 hexadecimal digits.
    ///
    /// - Throws: `.badRecipient`.
    public init(_ text: String) throws(BackupError) {
        guard let bytes = Hex.decode(text), Self.sharesSecrets(bytes) else { throw .badRecipient }
        publicKey = bytes
    }

    public init(_ key: Curve25519.KeyAgreement.PublicKey) { publicKey = Array(key.rawRepresentation) }

    public var description: String { Hex.encode(publicKey) }

    /// Whether an agreement with a key is a secret: with a point of small order it is zero for everybody.
    private static func sharesSecrets(_ bytes: [UInt8]) -> Bool {
        guard let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes),
            let secret = try? Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: key)
        else { return false }
        return secret.withUnsafeBytes { $0.contains { $0 != 0 } }
    }

    /// Seals a key for this recipient, bound to the file that it opens.
    func seal(_ key: SymmetricKey, salt: [UInt8]) throws(BackupError) -> SealedBackupKey {
        do {
            var sender = try HPKE.Sender(
                recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
                ciphersuite: Self.suite,
                info: Data(BackupKey.info.utf8)
            )
            let sealed = try key.withUnsafeBytes { try sender.seal(Data($0), authenticating: salt) }
            return SealedBackupKey(
                recipient: description,
                encapsulated: Base64.encode(Array(sender.encapsulatedKey)),
                sealed: Base64.encode(Array(sealed))
            )
        } catch {
            throw .badRecipient
        }
    }
}

/// A backup's key, sealed for one recipient by HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305).
public struct SealedBackupKey: Sendable, Hashable, Codable {
    /// The recipient's public key, 64 hexadecimal digits.
    let recipient: String
    /// The encapsulated key, base64.
    let encapsulated: String
    /// The sealed key, base64.
    let sealed: String

    enum CodingKeys: String, CodingKey {
        case recipient
        case encapsulated = "enc"
        case sealed = "key"
    }
}

extension BackupHeader {
    /// Opens the backup's key with a recipient's private one.
    ///
    /// - Throws: `.notARecipient`.
    public func key(for recipient: Curve25519.KeyAgreement.PrivateKey) throws(BackupError) -> BackupKey {
        let name = BackupRecipient(recipient.publicKey).description
        for entry in metadata.recipients ?? [] where entry.recipient == name {
            guard let encapsulated = Base64.decode(entry.encapsulated), let sealed = Base64.decode(entry.sealed),
                var opener = try? HPKE.Recipient(
                    privateKey: recipient,
                    ciphersuite: BackupRecipient.suite,
                    info: Data(BackupKey.info.utf8),
                    encapsulatedKey: Data(encapsulated)
                ),
                let key = try? opener.open(Data(sealed), authenticating: salt), key.count == 32
            else { throw .forged }
            return BackupKey(SymmetricKey(data: key))
        }
        throw .notARecipient
    }

    /// Checks that a node with the root secret made a backup that was sealed for recipients.
    ///
    /// - Parameters:
    ///   - key: the backup's own, as ``key(for:)`` opens it.
    ///   - node: that of the node's root secret.
    /// - Throws: `.strange`.
    public func checkOrigin(of key: BackupKey, by node: BackupKey) throws(BackupError) {
        let expected = node.origin(of: key, salt: salt)
        guard let origin = metadata.origin.flatMap({ Hex.decode($0) }), expected == Data(origin) else { throw .strange }
    }
}
