// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto

/// An Ed25519 public key that signs releases (RFC 8032).
public struct ReleaseKey: Sendable, Hashable {
    /// 32 bytes.
    public let bytes: [UInt8]
    let key: Curve25519.Signing.PublicKey

    /// Takes 32 bytes; `nil` when they are not a key.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 32, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
            return nil
        }
        self.bytes = bytes
        self.key = key
    }

    /// The first 8 bytes of the key's SHA-256, as 16 hexadecimal digits: says which key a signature is of.
    public var id: String { Hex.encode(Array(SHA256.hash(data: bytes)).prefix(8)) }

    public static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// Whether the signature is this key's over the manifest.
    public func isValid(_ signature: ReleaseSignature, manifest bytes: [UInt8]) -> Bool {
        signature.keyID == id && key.isValidSignature(signature.bytes, for: ReleaseSignature.message(bytes))
    }
}

/// The secret half, which stays where releases are signed.
public struct ReleaseSigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    private static let prefix = "assay-release-key-v1 "

    /// Makes a new key from the system's source of randomness.
    public init() { key = Curve25519.Signing.PrivateKey() }

    /// Takes a seed of 32 bytes.
    public init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = key
    }

    /// Reads the text of a key file: `assay-release-key-v1` and 64 hexadecimal digits.
    ///
    /// - Throws: `.malformed`, without quoting anything.
    public init(text: String) throws(ReleaseError) {
        let line = text.split(whereSeparator: \.isNewline).first ?? ""
        guard line.hasPrefix(Self.prefix), let seed = Hex.decode(line.dropFirst(Self.prefix.count)),
            let key = Self(seed: seed)
        else {
            throw ReleaseError(.malformed, "this is not a release key: make one with 'assay release keygen --out FILE'")
        }
        self = key
    }

    /// The text of a key file, which is secret.
    public var secretText: String { Self.prefix + Hex.encode(Array(key.rawRepresentation)) + "\n" }

    public var publicKey: ReleaseKey {
        guard let key = ReleaseKey(Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("a secret key has a public key")
        }
        return key
    }

    /// Signs a manifest.
    ///
    /// - Throws: `.untrusted` when no signature could be made.
    public func sign(_ manifest: ReleaseManifest) throws(ReleaseError) -> ReleaseSignature {
        guard let bytes = try? key.signature(for: ReleaseSignature.message(manifest.bytes)) else {
            throw ReleaseError(.untrusted, "the manifest could not be signed")
        }
        return ReleaseSignature(keyID: publicKey.id, bytes: Array(bytes))
    }
}

/// A signature of a manifest: Ed25519 over `assay-release-v1`, a zero byte, and the manifest's text.
public struct ReleaseSignature: Sendable, Hashable {
    /// The signing key's ``ReleaseKey/id``.
    public let keyID: String
    /// 64 bytes.
    public let bytes: [UInt8]

    init(keyID: String, bytes: [UInt8]) {
        self.keyID = keyID
        self.bytes = bytes
    }

    static func message(_ manifest: [UInt8]) -> [UInt8] { Array("assay-release-v1\0".utf8) + manifest }
}

/// The contents of `MANIFEST.sig`: one line per signature, `ed25519 KEY-ID SIGNATURE`, in hexadecimal, sorted by key.
public struct ReleaseSignatures: Sendable, Hashable {
    public private(set) var all: [ReleaseSignature]

    /// The most signatures of a release.
    public static let countLimit = 16
    /// The largest text that is read, in bytes.
    public static let sizeLimit = 4096

    /// No signature yet.
    public init() { all = [] }

    /// Reads the text; a text that would not be written like this is refused.
    ///
    /// - Throws: `.malformed`.
    public init(parsing bytes: [UInt8]) throws(ReleaseError) {
        var signatures: [ReleaseSignature] = []
        let malformed = ReleaseError(.malformed, "MANIFEST.sig is not made of lines 'ed25519 KEY-ID SIGNATURE'")
        guard bytes.count <= Self.sizeLimit else { throw malformed }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "ed25519", Hex.decode(words[1])?.count == 8,
                let signature = Hex.decode(words[2]), signature.count == 64
            else { throw malformed }
            signatures.append(ReleaseSignature(keyID: String(words[1]), bytes: signature))
        }
        all = signatures
        let isSorted = zip(signatures, signatures.dropFirst()).allSatisfy { $0.keyID < $1.keyID }
        guard isSorted, signatures.count <= Self.countLimit, self.bytes == bytes else { throw malformed }
    }

    /// The text.
    public var bytes: [UInt8] {
        Array(all.map { "ed25519 \($0.keyID) \(Hex.encode($0.bytes))\n" }.joined().utf8)
    }

    /// Adds a signature; the one that was there of the same key is replaced.
    ///
    /// - Throws: `.unsuitable` when there are too many.
    public mutating func add(_ signature: ReleaseSignature) throws(ReleaseError) {
        let others = all.filter { $0.keyID != signature.keyID }
        guard others.count < Self.countLimit else {
            throw ReleaseError(.unsuitable, "a release carries at most \(Self.countLimit) signatures")
        }
        all = (others + [signature]).sorted { $0.keyID < $1.keyID }
    }
}
