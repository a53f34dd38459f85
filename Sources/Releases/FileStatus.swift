// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import ReleaseFormat

/// What kind of file something is, whose, and who may change it.
struct FileStatus: Sendable {
    let owner: UInt32
    /// The twelve bits of the permissions.
    let mode: UInt32
    let size: Int64
    private let kind: UInt32

    init(_ status: stat) {
        owner = status.st_uid
        mode = status.st_mode & 0o7777
        size = Int64(status.st_size)
        kind = status.st_mode & S_IFMT
    }

    var isPlainFile: Bool { kind == S_IFREG }
    var isDirectory: Bool { kind == S_IFDIR }

    /// Looks at a path without following a link at its end; `nil` when there is nothing.
    static func of(_ path: String) throws(ReleaseError) -> FileStatus? {
        var status = stat()
        if lstat(path, &status) == 0 { return FileStatus(status) }
        guard errno == ENOENT || errno == ENOTDIR else { throw .system("\(path) cannot be looked at") }
        return nil
    }

    /// Makes sure that only root, or the user who runs this, can change it.
    ///
    /// - Throws: `.unsafePermissions`, with the command that helps.
    func requireSafe(_ path: String) throws(ReleaseError) {
        guard owner == 0 || owner == geteuid() else {
            throw ReleaseError(
                .unsafePermissions,
                "\(path) belongs to user \(owner), who could change it: chown root:root \(path)"
            )
        }
        guard mode & 0o022 == 0 else {
            throw ReleaseError(.unsafePermissions, "\(path) can be changed by other users: chmod go-w \(path)")
        }
    }
}
