// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import Secp256k1

/// The secret of version 1: a text whose every byte counts, a newline at the end included.
public struct OkoSecret: Sendable, CustomStringConvertible, CustomReflectable {
    private let secret: SymmetricKey

    /// Takes the content of the secret's file as it is.
    ///
    /// - Throws: `.emptySecret`.
    public init(file content: [UInt8]) throws(EnvelopeError) {
        guard !content.isEmpty else { throw .emptySecret }
        // What is no UTF-8 was replaced by whoever wrote the old records, too.
        secret = SymmetricKey(data: Array(String(decoding: content, as: UTF8.self).utf8))
    }

    /// PBKDF2-HMAC-SHA-256 with 100,000 rounds, about 30 ms of work.
    func key(salt: some DataProtocol) throws(EnvelopeError) -> SymmetricKey {
        let key = secret.withUnsafeBytes { secret in
            try? KDF.Insecure.PBKDF2.deriveKey(
                from: secret,
                salt: salt,
                using: .sha256,
                outputByteCount: 32,
                unsafeUncheckedRounds: OkoEnvelope.rounds
            )
        }
        guard let key else { throw .malformed }
        return key
    }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A stored text of version 1, as Oko writes it: base64 of salt, nonce, tag and ciphertext, bound to no row.
///
/// Shares and the server's private key are texts of lower-case hexadecimal inside.
public struct OkoEnvelope: Sendable, Hashable {
    static let rounds = 100_000
    private static let saltCount = 16
    private static let nonceCount = 12
    private static let tagCount = 16
    /// Bytes before base64 that sealing adds.
    static let overhead = saltCount + nonceCount + tagCount
    /// The most characters that are read.
    public static let maximumCount = 8192

    /// ASCII, as it is stored.
    public let text: String
    private let bytes: [UInt8]

    /// Reads a stored text without opening it.
    ///
    /// - Throws: `.malformed`.
    public init(_ text: String) throws(EnvelopeError) {
        guard text.utf8.count <= Self.maximumCount, let bytes = Base64.decode(text), bytes.count >= Self.overhead else {
            throw .malformed
        }
        self.text = text
        self.bytes = bytes
    }

    /// Seals a text.
    public init(sealing plain: UnsafeRawBufferPointer, with secret: OkoSecret) throws(EnvelopeError) {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<Self.saltCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try self.init(sealing: plain, with: secret, salt: salt, nonce: AES.GCM.Nonce())
    }

    init(
        sealing plain: UnsafeRawBufferPointer,
        with secret: OkoSecret,
        salt: [UInt8],
        nonce: AES.GCM.Nonce
    ) throws(EnvelopeError) {
        guard let box = try? AES.GCM.seal(plain, using: try secret.key(salt: salt), nonce: nonce) else {
            throw .malformed
        }
        bytes = salt + Array(nonce) + Array(box.tag) + Array(box.ciphertext)
        text = Base64.encode(bytes)
    }

    /// Lends the text inside for the length of the call, then overwrites it.
    ///
    /// - Throws: `.forged` for another secret's text and one that was changed.
    public func withOpened<Result>(
        with secret: OkoSecret,
        _ body: (UnsafeRawBufferPointer) throws(EnvelopeError) -> Result
    ) throws(EnvelopeError) -> Result {
        let (salt, rest) = (bytes.prefix(Self.saltCount), bytes.dropFirst(Self.saltCount))
        let (nonce, sealed) = (rest.prefix(Self.nonceCount), rest.dropFirst(Self.nonceCount))
        guard let nonce = try? AES.GCM.Nonce(data: nonce),
            let box = try? AES.GCM.SealedBox(
                nonce: nonce,
                ciphertext: sealed.dropFirst(Self.tagCount),
                tag: sealed.prefix(Self.tagCount)
            )
        else { throw .malformed }
        guard var plain = try? AES.GCM.open(box, using: try secret.key(salt: salt)) else { throw .forged }
        return try lend(&plain, body)
    }

    /// The bytes whose hexadecimal text is inside: a share, or the seed of the server's key.
    ///
    /// Overwrite them after use.
    ///
    /// - Throws: as ``withOpened(with:_:)``, and `.malformed` for another text.
    public func openHexadecimal(with secret: OkoSecret) throws(EnvelopeError) -> [UInt8] {
        try withOpened(with: secret) { text throws(EnvelopeError) in
            guard let bytes = Hex.decode(utf8: text) else { throw .malformed }
            return bytes
        }
    }

    /// Seals bytes as their hexadecimal text.
    public init(sealingHexadecimal bytes: [UInt8], with secret: OkoSecret) throws(EnvelopeError) {
        var text = Array(Hex.encode(bytes).utf8)
        defer { overwrite(&text) }
        let envelope: Swift.Result<OkoEnvelope, EnvelopeError> = text.withUnsafeBytes { text in
            Swift.Result { () throws(EnvelopeError) in try OkoEnvelope(sealing: text, with: secret) }
        }
        self = try envelope.get()
    }
}
