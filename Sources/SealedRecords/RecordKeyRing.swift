// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium
internal import Crypto
internal import FoundationEssentials
internal import Secp256k1

/// Seals records with the newest secret and opens those of any it holds.
///
/// A sealed record is a byte 1, a byte for the secret, a random nonce of 24 bytes, and XChaCha20-Poly1305
/// (draft-irtf-cfrg-xchacha-03) bound to the table and the row's name.
public struct RecordKeyRing: Sendable {
    /// Seals and names from now on.
    public let current: RecordKeys
    /// Still opens and finds.
    public let earlier: [RecordKeys]

    private static let version: UInt8 = 1
    private static let nonceCount = 24
    private static let tagCount = 16

    /// Bytes that sealing adds.
    public static let overhead = 2 + nonceCount + tagCount

    /// - Throws: `.ambiguousSecret` when two secrets would mark their records alike, which happens to one in 256.
    public init(current: RecordKeys, earlier: [RecordKeys] = []) throws(SealedRecordError) {
        guard Set((earlier + [current]).map(\.id)).count == earlier.count + 1 else {
            throw SealedRecordError(
                .ambiguousSecret,
                "the new secret's mark is that of an earlier one; make another secret: openssl rand -hex 32"
            )
        }
        self.current = current
        self.earlier = earlier
    }

    /// The keys of a secret by their mark.
    public func keys(_ id: UInt8) -> RecordKeys? {
        current.id == id ? current : earlier.first { $0.id == id }
    }

    /// All names that a row can have, the current secret's first.
    public func names(_ natural: some Collection<UInt8>, in table: String) -> [[UInt8]] {
        ([current] + earlier).map { $0.name(natural, in: table) }
    }

    /// Encrypts a record for one row.
    public func seal(_ plain: [UInt8], table: String, row: [UInt8]) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: Self.nonceCount)
        randombytes_buf(&nonce, nonce.count)
        return seal(plain, table: table, row: row, nonce: nonce)
    }

    /// Encrypts with a nonce that must never be used again; other callers than tests let it be drawn.
    func seal(_ plain: [UInt8], table: String, row: [UInt8], nonce: [UInt8]) -> [UInt8] {
        var sealed = [UInt8](repeating: 0, count: plain.count + Self.tagCount)
        let bound = Self.bound(table, row)
        let result = current.encryption.withPointer { key in
            crypto_aead_xchacha20poly1305_ietf_encrypt(
                &sealed,
                nil,
                plain,
                UInt64(plain.count),
                bound,
                UInt64(bound.count),
                nil,
                nonce,
                key
            )
        }
        precondition(result == 0, "encryption cannot fail")
        return [Self.version, current.id] + nonce + sealed
    }

    /// Decrypts the record of a row.
    ///
    /// Overwrite what comes back when it is a secret.
    /// - Throws: `.unknownKey`, or `.forged` for anything that was not sealed for this very row.
    public func open(_ sealed: [UInt8], table: String, row: [UInt8]) throws(SealedRecordError) -> [UInt8] {
        guard sealed.count >= Self.overhead, sealed[0] == Self.version else {
            throw SealedRecordError(.forged, "a row of \(table) holds no sealed record")
        }
        guard let keys = keys(sealed[1]) else {
            throw SealedRecordError(.unknownKey, "a row of \(table) was sealed with a secret that is not here")
        }
        let (nonce, body) = (Array(sealed[2..<(2 + Self.nonceCount)]), Array(sealed[(2 + Self.nonceCount)...]))
        var plain = [UInt8](repeating: 0, count: body.count - Self.tagCount)
        let bound = Self.bound(table, row)
        let result = keys.encryption.withPointer { key in
            crypto_aead_xchacha20poly1305_ietf_decrypt(
                &plain,
                nil,
                nil,
                body,
                UInt64(body.count),
                bound,
                UInt64(bound.count),
                nonce,
                key
            )
        }
        guard result == 0 else {
            overwrite(&plain)
            throw SealedRecordError(.forged, "a row of \(table) holds another row's record, or one that was changed")
        }
        return plain
    }

    /// Whether a record was sealed with the current secret.
    public func isCurrent(_ sealed: [UInt8]) -> Bool { sealed.count > 1 && sealed[1] == current.id }

    private static func bound(_ table: String, _ row: [UInt8]) -> [UInt8] { Array(table.utf8) + [0] + row }
}

extension SymmetricKey {
    /// Lends the key's bytes to C.
    fileprivate func withPointer<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        withUnsafeBytes { bytes in
            guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else {
                preconditionFailure("keys are not empty")
            }
            return body(start)
        }
    }
}
