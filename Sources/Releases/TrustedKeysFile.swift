// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ReleaseFormat

extension TrustedKeys {
    /// Where a host keeps its trusted keys.
    public static let defaultPath = "/etc/assay/release-keys"

    /// Whether a host has a file of trusted keys.
    ///
    /// - Throws: `.storage` when that cannot be found out.
    public static func exist(file path: String) throws(ReleaseError) -> Bool { try FileStatus.of(path) != nil }

    /// Reads the file of a host's trusted keys.
    ///
    /// - Throws: `.missing` when there is none; `.unsafePermissions` when somebody other than root, or than the user who runs
    ///   this, can change the file or put another in its place; `.malformed`.
    public init(file path: String) throws(ReleaseError) {
        let directory = DurableFiles.parent(path)
        guard let status = try FileStatus.of(path) else {
            throw ReleaseError(.missing, "\(path) does not exist: write there the keys that releases are signed with")
        }
        guard status.isPlainFile else {
            throw ReleaseError(.unsafePermissions, "\(path) must be a plain file")
        }
        try status.requireSafe(path)
        try FileStatus.of(directory)?.requireSafe(directory)
        try self.init(parsing: try DurableFiles.read(path, limit: Self.sizeLimit))
    }
}
