// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A manifest with its signatures, which nobody may have checked yet.
public struct SignedManifest: Sendable, Hashable {
    public let manifest: ReleaseManifest
    public var signatures: ReleaseSignatures

    public init(manifest: ReleaseManifest, signatures: ReleaseSignatures) {
        self.manifest = manifest
        self.signatures = signatures
    }

    /// Reads both texts.
    ///
    /// - Throws: `.malformed`.
    public init(manifest: [UInt8], signatures: [UInt8]) throws(ReleaseError) {
        self.manifest = try ReleaseManifest(parsing: manifest)
        self.signatures = try ReleaseSignatures(parsing: signatures)
    }
}
