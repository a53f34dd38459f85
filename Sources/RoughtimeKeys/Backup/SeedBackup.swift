// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Crypto
internal import Foundation

/// A seed encrypted to a backup key: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
/// ChaCha20-Poly1305.
///
/// The server's public key is authenticated with the seed, so a backup cannot be passed off as another server's.
public struct SeedBackup: Sendable, Hashable {
    private static let kind = "assay-roughtime-seed-backup"
    private static let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly
    private static let info = Data("assay-roughtime-seed-backup-1".utf8)
    /// Larger than any backup file.
    static let greatestFile = 4096

    /// The server's public key, 32 bytes.
    public let longTermPublicKey: [UInt8]
    /// Whose private half opens the backup, 32 bytes.
    public let backupPublicKey: [UInt8]
    let encapsulatedKey: [UInt8]
    let ciphertext: [UInt8]

    /// Encrypts a seed.
    public init(
        of seed: borrowing LongTermSeed,
        to key: Curve25519.KeyAgreement.PublicKey
    ) throws(RoughtimeKeyError) {
        let publicKey = try seed.publicKey()
        do {
            var sender = try HPKE.Sender(recipientKey: key, ciphersuite: Self.suite, info: Self.info)
            // A view of the locked page: no copy of the seed is made on the way to the cipher.
            ciphertext = try seed.withBytes { bytes in
                guard let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress) else { return [] }
                let view = Data(bytesNoCopy: base, count: bytes.count, deallocator: .none)
                return Array(try sender.seal(view, authenticating: publicKey))
            }
            encapsulatedKey = Array(sender.encapsulatedKey)
        } catch {
            throw RoughtimeKeyError(.malformed, "the public backup key is none that can be encrypted to")
        }
        longTermPublicKey = publicKey
        backupPublicKey = Array(key.rawRepresentation)
    }

    /// Decrypts the seed.
    /// - Throws: ``RoughtimeKeyError/Code/mismatch`` when the key is another or the backup was altered.
    public func open(
        with key: Curve25519.KeyAgreement.PrivateKey
    ) throws(RoughtimeKeyError) -> LongTermSeed {
        guard Array(key.publicKey.rawRepresentation) == backupPublicKey else {
            throw RoughtimeKeyError(.mismatch, "the backup was made for another key than the given private one")
        }
        var bytes: Data
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key,
                ciphersuite: Self.suite,
                info: Self.info,
                encapsulatedKey: Data(encapsulatedKey)
            )
            bytes = try recipient.open(ciphertext, authenticating: longTermPublicKey)
        } catch {
            throw RoughtimeKeyError(.mismatch, "the backup does not open: it was altered or is damaged")
        }
        defer { bytes.resetBytes(in: 0..<bytes.count) }
        let seed = try LongTermSeed(copying: bytes)
        guard try seed.publicKey() == longTermPublicKey else {
            throw RoughtimeKeyError(.mismatch, "the backup holds the seed of another public key than it names")
        }
        return seed
    }

    private struct File: Codable {
        let type: String
        let v: Int
        let longTermPublicKey: String
        let backupPublicKey: String
        let encapsulatedKey: String
        let ciphertext: String
    }

    /// The backup as the content of its file.
    public func encoded() throws(RoughtimeKeyError) -> [UInt8] {
        try CanonicalJSON.encode(
            File(
                type: Self.kind,
                v: 1,
                longTermPublicKey: Hex.encode(longTermPublicKey),
                backupPublicKey: Hex.encode(backupPublicKey),
                encapsulatedKey: Hex.encode(encapsulatedKey),
                ciphertext: Hex.encode(ciphertext)
            )
        )
    }

    /// Reads a backup.
    public init(parsing bytes: [UInt8]) throws(RoughtimeKeyError) {
        let file = try CanonicalJSON.decode(File.self, bytes, limit: Self.greatestFile, what: "backup")
        guard file.type == Self.kind, file.v == 1 else {
            throw RoughtimeKeyError(.malformed, "this is not a backup of a Roughtime seed, version 1")
        }
        longTermPublicKey = try CanonicalJSON.bytes(file.longTermPublicKey, 32, "longTermPublicKey")
        backupPublicKey = try CanonicalJSON.bytes(file.backupPublicKey, 32, "backupPublicKey")
        encapsulatedKey = try CanonicalJSON.bytes(file.encapsulatedKey, 32, "encapsulatedKey")
        // The seed and the 16 bytes of the tag.
        ciphertext = try CanonicalJSON.bytes(file.ciphertext, LongTermSeed.byteCount + 16, "ciphertext")
    }

    /// Reads a backup file.
    public init(file path: String) throws(RoughtimeKeyError) {
        try self.init(parsing: try BoundedFile.read(path, limit: Self.greatestFile))
    }

    /// Writes the backup file, which must not exist yet.
    public func write(to path: String) throws(RoughtimeKeyError) {
        try DurableFile.write(try encoded(), to: path, mode: 0o600, replacing: .refused)
    }
}
