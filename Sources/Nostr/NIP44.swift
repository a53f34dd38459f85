// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import CSodium
public import Crypto
internal import FoundationEssentials
internal import LightningPrimitives
public import Secp256k1

/// Why a payload cannot be made or read (NIP-44).
public enum NIP44Error: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text is empty or too long.
    case badLength
    /// Another version of the encryption than 2.
    case unknownVersion
    /// Not base64, or of a size no payload has.
    case malformed
    /// It was changed on its way, or is for another key.
    case badMAC
    /// The padding inside is not what the length asks for.
    case badPadding

    public var description: String {
        switch self {
        case .badLength: "the text to encrypt is empty or too long"
        case .unknownVersion: "the payload is not of NIP-44 version 2"
        case .malformed: "not a NIP-44 payload"
        case .badMAC: "the payload was changed, or is encrypted for another key"
        case .badPadding: "the payload's padding does not fit its length"
        }
    }
}

/// Encrypts texts between two Nostr keys (NIP-44 version 2): ChaCha20 and HMAC-SHA256 over a padded text.
///
/// It hides the length roughly and gives no forward secrecy: who gets a key reads all.
public struct NIP44: Sendable {
    /// The key two parties share; made once and kept.
    private let conversationKey: SymmetricKey
    /// The longest plaintext in bytes.
    private let limit: Int

    static let version: UInt8 = 2
    /// What the two-byte length of the first edition can say.
    public static let shortLimit = 65535

    /// The conversation of a secret with somebody's public key.
    ///
    /// - Parameter limit: the longest plaintext in bytes, written or read; above ``shortLimit`` the extended length of
    ///   the 2026 text is used.
    /// - Returns: `nil` when the public key is not a point.
    public init?(_ secret: SecretKey, with key: NostrKey, limit: Int = NIP44.shortLimit) {
        guard let shared = Point(evenWithX: key.bytes)?.multiplied(bySecret: Scalar(secret)) else { return nil }
        self.init(sharedX: shared.xOnly, limit: limit)
    }

    /// The conversation of a shared secret that was computed elsewhere, such as by several holders of one key.
    ///
    /// - Parameter sharedX: the x coordinate of the shared point, 32 bytes.
    public init(sharedX: [UInt8], limit: Int = NIP44.shortLimit) {
        let extracted = HKDF<SHA256>.extract(
            inputKeyMaterial: SymmetricKey(data: sharedX),
            salt: Array("nip44-v2".utf8)
        )
        self.init(conversationKey: SymmetricKey(data: extracted), limit: limit)
    }

    /// - Parameter conversationKey: 32 bytes.
    public init(conversationKey: SymmetricKey, limit: Int = NIP44.shortLimit) {
        self.conversationKey = conversationKey
        self.limit = limit
    }

    /// The 32 bytes shared by both parties: a secret.
    var keyBytes: [UInt8] { conversationKey.withUnsafeBytes { Array($0) } }
}

extension NIP44 {
    /// Encrypts a text.
    ///
    /// - Parameter nonce: 32 bytes in place of fresh randomness, for test vectors.
    /// - Returns: base64.
    public func encrypt(_ plaintext: [UInt8], nonce: [UInt8]? = nil) throws(NIP44Error) -> String {
        guard !plaintext.isEmpty, plaintext.count <= limit, plaintext.count <= UInt32.max else { throw .badLength }
        let nonce = nonce ?? SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        precondition(nonce.count == 32)
        let keys = MessageKeys(conversationKey, nonce: nonce)
        let ciphertext = keys.apply(Padding.pad(plaintext))
        return Base64.encode([Self.version] + nonce + ciphertext + keys.mac(nonce: nonce, ciphertext))
    }

    /// Decrypts a payload.
    public func decrypt(_ payload: String) throws(NIP44Error) -> [UInt8] {
        // A '#' announces an encoding other than base64.
        guard payload.utf8.first != UInt8(ascii: "#") else { throw .unknownVersion }
        let largest = 1 + 32 + 6 + Padding.paddedCount(limit) + 32
        guard payload.utf8.count >= 132, payload.utf8.count <= (largest + 2) / 3 * 4 else { throw .malformed }
        guard let bytes = Base64.decode(payload) else { throw .malformed }
        guard bytes[0] == Self.version else { throw .unknownVersion }
        guard bytes.count >= 99 else { throw .malformed }
        let nonce = Array(bytes[1..<33])
        let ciphertext = Array(bytes[33..<(bytes.count - 32)])
        let keys = MessageKeys(conversationKey, nonce: nonce)
        guard constantTimeEqual(keys.mac(nonce: nonce, ciphertext), bytes.suffix(32)) else { throw .badMAC }
        guard let plaintext = Padding.unpad(keys.apply(ciphertext)), plaintext.count <= limit else {
            throw .badPadding
        }
        return plaintext
    }
}

/// What one message is encrypted with.
struct MessageKeys {
    let cipherKey: [UInt8]
    let cipherNonce: [UInt8]
    let macKey: [UInt8]

    init(_ conversationKey: SymmetricKey, nonce: [UInt8]) {
        let expanded = HKDF<SHA256>.expand(pseudoRandomKey: conversationKey, info: nonce, outputByteCount: 76)
        let bytes = expanded.withUnsafeBytes { Array($0) }
        cipherKey = Array(bytes[0..<32])
        cipherNonce = Array(bytes[32..<44])
        macKey = Array(bytes[44..<76])
    }

    /// Encrypts or decrypts: ChaCha20 with a counter from 0 (RFC 8439 section 2.4).
    func apply(_ text: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: text.count)
        let status = crypto_stream_chacha20_ietf_xor(&output, text, UInt64(text.count), cipherNonce, cipherKey)
        precondition(status == 0, "ChaCha20 takes a text of any length below 256 GiB")
        return output
    }

    func mac(nonce: [UInt8], _ ciphertext: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: nonce + ciphertext, using: SymmetricKey(data: macKey)))
    }
}

/// The plaintext with its length before and zeros after it.
enum Padding {
    /// The size to which a text is filled: a power of two, or an eighth step between two of them.
    ///
    /// - Precondition: at least 1.
    static func paddedCount(_ count: Int) -> Int {
        precondition(count >= 1)
        if count <= 32 { return 32 }
        let nextPower = 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
        let chunk = nextPower <= 256 ? 32 : nextPower / 8
        return chunk * ((count - 1) / chunk + 1)
    }

    static func pad(_ text: [UInt8]) -> [UInt8] {
        let count = text.count
        let isShort = count <= NIP44.shortLimit
        // A length of zero in the first two bytes announces four more.
        let length = isShort ? bigEndian(count, 2) : [0, 0] + bigEndian(count, 4)
        return length + text + [UInt8](repeating: 0, count: paddedCount(count) - count)
    }

    static func unpad(_ padded: [UInt8]) -> [UInt8]? {
        guard padded.count >= 2 else { return nil }
        var (count, start) = (number(padded[0..<2]), 2)
        if count == 0 {
            guard padded.count >= 6 else { return nil }
            (count, start) = (number(padded[2..<6]), 6)
            guard count > NIP44.shortLimit else { return nil }
        }
        guard padded.count - start >= count, padded.count - start == paddedCount(count) else { return nil }
        guard padded[(start + count)...].allSatisfy({ $0 == 0 }) else { return nil }
        return Array(padded[start..<(start + count)])
    }

    private static func bigEndian(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * (bytes - 1 - $0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
