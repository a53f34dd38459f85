// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Crypto
internal import FoundationEssentials
internal import Nostr
internal import Secp256k1

/// The keys of one secret, each for one use.
///
/// PRK = HKDF-extract(salt "pomade-signer/v1", secret), and each key HKDF-expand(PRK, its name), all with SHA-256.
/// Keys are overwritten when they are given up.
public struct RecordKeys: Sendable, CustomStringConvertible, CustomReflectable {
    /// What marks the records of this secret.
    public let id: UInt8
    /// Seals records.
    let encryption: SymmetricKey
    /// Names rows.
    let row: SymmetricKey
    /// Binds password verifiers.
    public let password: SymmetricKey
    /// Hides codes that were mailed.
    public let code: SymmetricKey
    /// Stands for what was asked in the audit.
    public let audit: SymmetricKey
    /// Who the signer is to others; stays when the secret changes.
    public private(set) var identity: SymmetricKey

    /// Derives the keys of a secret: 64 hexadecimal digits, or `nsec1...` (NIP-19).
    /// - Throws: `.badSecret`.
    public init(secret text: String) throws(SealedRecordError) {
        guard var secret = Self.bytes(of: text) else {
            throw SealedRecordError(.badSecret, "expected 64 hexadecimal digits or nsec1...; openssl rand -hex 32")
        }
        defer { overwrite(&secret) }
        let root = HKDF<SHA256>.extract(
            inputKeyMaterial: SymmetricKey(data: secret),
            salt: Array("pomade-signer/v1".utf8)
        )
        func key(_ name: String, _ count: Int = 32) -> SymmetricKey {
            HKDF<SHA256>.expand(pseudoRandomKey: root, info: Array(name.utf8), outputByteCount: count)
        }
        id = key("id", 1).withUnsafeBytes { $0[0] }
        encryption = key("enc")
        row = key("row")
        password = key("pw")
        code = key("otp")
        audit = key("audit")
        identity = key("identity")
    }

    /// The same keys with another's identity.
    public func keepingIdentity(of other: RecordKeys) -> RecordKeys {
        var keys = self
        keys.identity = other.identity
        return keys
    }

    /// The bytes of a secret, or `nil` when it has another form.
    private static func bytes(of text: String) -> [UInt8]? {
        if let bytes = Hex.decode(text) { return bytes.count == 32 ? bytes : nil }
        return try? SecretKey(nsec: text).rawBytes
    }

    /// A row's name: HMAC-SHA256 over the table, a zero and what the row is called outside.
    public func name(_ natural: some Collection<UInt8>, in table: String) -> [UInt8] {
        var text = Array(table.utf8) + [0]
        text.append(contentsOf: natural)
        return Array(HMAC<SHA256>.authenticationCode(for: text, using: row))
    }

    public var description: String { "keys \(id)" }

    public var customMirror: Mirror { Mirror(self, children: []) }

    // MARK: Keeping

    /// All keys in a row, to be sealed by a newer secret's.
    public var exported: [UInt8] {
        [encryption, row, password, code, audit, identity].reduce(into: []) { bytes, key in
            key.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
    }

    /// Reads what ``exported`` has written.
    public init?(id: UInt8, exported: [UInt8]) {
        guard exported.count == 6 * 32 else { return nil }
        func key(_ place: Int) -> SymmetricKey { SymmetricKey(data: exported[(place * 32)..<(place * 32 + 32)]) }
        self.id = id
        encryption = key(0)
        row = key(1)
        password = key(2)
        code = key(3)
        audit = key(4)
        identity = key(5)
    }
}
