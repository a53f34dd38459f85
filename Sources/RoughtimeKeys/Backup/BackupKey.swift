// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Crypto
internal import Glibc

/// The key pair that backups are encrypted to; its private half is kept far from the server.
public enum BackupKey {
    private static let privatePrefix = "assay-backup-private-key-1:"
    private static let publicPrefix = "assay-backup-public-key-1:"

    /// The private half as the text of its file.
    public static func text(of key: Curve25519.KeyAgreement.PrivateKey) -> String {
        "\(privatePrefix)\(Hex.encode(Array(key.rawRepresentation)))"
    }

    /// The public half as text; it is no secret.
    public static func text(of key: Curve25519.KeyAgreement.PublicKey) -> String {
        "\(publicPrefix)\(Hex.encode(Array(key.rawRepresentation)))"
    }

    /// Reads a private half.
    public static func privateKey(parsing text: String) throws(RoughtimeKeyError) -> Curve25519.KeyAgreement.PrivateKey
    {
        guard let bytes = bytes(text, privatePrefix),
            let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes)
        else {
            throw RoughtimeKeyError(.malformed, "the private backup key is not '\(privatePrefix)' and 64 hex digits")
        }
        return key
    }

    /// Reads a public half.
    public static func publicKey(parsing text: String) throws(RoughtimeKeyError) -> Curve25519.KeyAgreement.PublicKey {
        guard !text.hasPrefix(privatePrefix) else {
            throw RoughtimeKeyError(
                .refused,
                "this is the private backup key: the server gets the public one, and the private one stays offline"
            )
        }
        guard let bytes = bytes(text, publicPrefix),
            let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes)
        else {
            throw RoughtimeKeyError(.malformed, "the public backup key is not '\(publicPrefix)' and 64 hex digits")
        }
        return key
    }

    /// Reads a private half from a file that only its owner can read.
    public static func privateKey(file path: String) throws(RoughtimeKeyError) -> Curve25519.KeyAgreement.PrivateKey {
        let descriptor = try BoundedFile.open(path)
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw RoughtimeKeyError(.unreadable, "\(path) can be read by others; run: chmod 400 \(path)")
        }
        return try privateKey(parsing: try line(of: path))
    }

    /// Reads a public half from a file.
    public static func publicKey(file path: String) throws(RoughtimeKeyError) -> Curve25519.KeyAgreement.PublicKey {
        try publicKey(parsing: try line(of: path))
    }

    /// Writes a new private half to a file of its owner, which must not exist yet.
    public static func write(_ key: Curve25519.KeyAgreement.PrivateKey, to path: String) throws(RoughtimeKeyError) {
        try DurableFile.write(Array((text(of: key) + "\n").utf8), to: path, mode: 0o400, replacing: .refused)
    }

    /// A file's one line without the line end.
    static func line(of path: String) throws(RoughtimeKeyError) -> String {
        var bytes = try BoundedFile.read(path, limit: 256)
        while let last = bytes.last, last == 10 || last == 13 || last == 32 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func bytes(_ text: String, _ prefix: String) -> [UInt8]? {
        guard text.hasPrefix(prefix), let bytes = Hex.decode(text.dropFirst(prefix.count)), bytes.count == 32 else {
            return nil
        }
        return bytes
    }
}
