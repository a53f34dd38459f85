// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ReleaseFormat

extension ReleaseSigningKey {
    /// Reads a key file.
    ///
    /// - Throws: `.unsafePermissions` when others may read it; `.missing`, `.malformed`.
    public init(file path: String) throws(ReleaseError) {
        guard let status = try FileStatus.of(path), status.isPlainFile else {
            throw ReleaseError(.missing, "\(path) is not a file: make a key with 'assay release keygen --out FILE'")
        }
        guard status.mode & 0o077 == 0 else {
            throw ReleaseError(.unsafePermissions, "\(path) can be read by other users: chmod 600 \(path)")
        }
        let bytes = try DurableFiles.read(path, limit: 4096)
        try self.init(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Writes the key to a file that is not there yet, which only its owner may read.
    public func save(_ path: String) throws(ReleaseError) {
        try DurableFiles.write(Array(secretText.utf8)[...], to: path, mode: 0o600)
        try DurableFiles.synchronize(directory: DurableFiles.parent(path))
    }
}

/// The two texts of a release outside an archive: what is carried to a machine without a network to be signed there.
public struct DetachedManifest: Sendable {
    private let manifestFile: String

    /// Names the file of the manifest, which ends with `.json`; the signatures are in the file of the same name that ends
    /// with `.sig`.
    public init?(_ manifestFile: String) {
        guard manifestFile.hasSuffix(".json") else { return nil }
        self.manifestFile = manifestFile
    }

    /// Where the signatures are.
    public var signatureFile: String { manifestFile.dropLast(5) + ".sig" }

    /// Reads both; no signature when there is no file of them.
    public func read() throws(ReleaseError) -> SignedManifest {
        let bytes = try DurableFiles.read(manifestFile, limit: ReleaseManifest.sizeLimit)
        return SignedManifest(
            manifest: try ReleaseManifest(parsing: bytes),
            signatures: try FileStatus.of(signatureFile) == nil
                ? ReleaseSignatures() : try Self.signatures(signatureFile)
        )
    }

    /// Reads a file of signatures.
    public static func signatures(_ path: String) throws(ReleaseError) -> ReleaseSignatures {
        try ReleaseSignatures(parsing: try DurableFiles.read(path, limit: ReleaseSignatures.sizeLimit))
    }

    /// Writes both.
    public func write(_ signed: SignedManifest) throws(ReleaseError) {
        try DurableFiles.replace(manifestFile, with: signed.manifest.bytes, mode: 0o644)
        try write(signed.signatures)
    }

    /// Writes the signatures.
    public func write(_ signatures: ReleaseSignatures) throws(ReleaseError) {
        try DurableFiles.replace(signatureFile, with: signatures.bytes, mode: 0o644)
    }
}
