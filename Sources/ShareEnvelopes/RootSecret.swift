// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Crypto
internal import FoundationEssentials
internal import Secp256k1

/// The secret that all keys of stored shares come from: 32 bytes, kept outside the database.
///
/// Overwritten when it is given up; nothing prints it.
public struct RootSecret: Sendable, CustomStringConvertible, CustomReflectable {
    /// Bytes of a root secret.
    public static let count = 32

    let key: SymmetricKey

    /// Reads the content of a secret's file: 32 bytes as they are, or 64 hexadecimal digits, with white space around.
    ///
    /// - Throws: `.badRootSecret`.
    public init(file content: [UInt8]) throws(EnvelopeError) {
        var text = content[...]
        // A secret of raw bytes may well begin or end with what looks like white space.
        while text.count > Self.count, let last = text.last, Self.isSpace(last) { text.removeLast() }
        while text.count > Self.count, let first = text.first, Self.isSpace(first) { text.removeFirst() }
        if text.count == Self.count {
            key = SymmetricKey(data: text)
        } else if text.count == 2 * Self.count, var bytes = Hex.decode(utf8: text) {
            key = SymmetricKey(data: bytes)
            overwrite(&bytes)
        } else {
            throw .badRootSecret
        }
    }

    init(_ bytes: [UInt8]) throws(EnvelopeError) {
        guard bytes.count == Self.count else { throw .badRootSecret }
        key = SymmetricKey(data: bytes)
    }

    /// Draws a secret from the system's generator.
    public static func random() -> RootSecret { RootSecret(SymmetricKey(size: .bits256)) }

    private init(_ key: SymmetricKey) { self.key = key }

    /// Derives a key for one use: HKDF-SHA256 with this secret as input.
    public func derivedKey(salt: String, info: [UInt8], count: Int = 32) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key,
            salt: Array(salt.utf8),
            info: info,
            outputByteCount: count
        )
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}
