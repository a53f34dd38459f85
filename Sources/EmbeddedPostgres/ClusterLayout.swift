// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// Where a cluster's files are.
///
/// The directory itself and `conf` belong to us and only `data`, `run` and `server.log` to the server's user, so that
/// we never write, perhaps as root, where another user could have put a link.
struct ClusterLayout: Sendable {
    let directory: String
    let socketDirectory: String

    var data: String { "\(directory)/data" }
    /// Where `initdb` works; it becomes `data` when it is complete.
    var unfinishedData: String { "\(directory)/data.new" }
    var conf: String { "\(directory)/conf" }
    var lock: String { "\(directory)/lock" }
    var log: String { "\(directory)/server.log" }
    var pidFile: String { "\(data)/postmaster.pid" }
    var socket: String { "\(socketDirectory)/.s.PGSQL.5432" }

    /// `sun_path` holds 108 bytes; PostgreSQL needs 16 of them for `/.s.PGSQL.5432` and the terminator.
    private static let longestSocketDirectory = 92

    init(directory: String) throws(EmbeddedPostgresError) {
        // `pg_ctl` hands the path to a shell.
        let forbidden: Set<Character> = ["'", "\"", "\\", "$", "`", "\n", "\r", "\0"]
        guard directory.hasPrefix("/"), !directory.contains(where: forbidden.contains) else {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "the database directory must be an absolute path without quotes, backslashes or $: \(directory)"
            )
        }
        var trimmed = Substring(directory)
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        self.directory = String(trimmed)
        let nearby = "\(trimmed)/run"
        socketDirectory =
            nearby.utf8.count <= Self.longestSocketDirectory
            ? nearby : "/tmp/assay-pg-\(geteuid())-\(Self.digest(of: self.directory))"
    }

    /// FNV-1a, 64 bits: the same at every start, which is all a name has to be.
    private static func digest(of text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    /// The major version of the data directory, or `nil` when there is none.
    var dataVersion: Int? {
        guard let bytes = FileManager.default.contents(atPath: "\(data)/PG_VERSION") else { return nil }
        return Int(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber })
    }

    /// The owner of the data directory, or `nil` when there is none.
    var dataOwner: UInt32? {
        var status = stat()
        return stat(data, &status) == 0 ? status.st_uid : nil
    }

    /// Makes the directory, and those above it, readable by us alone.
    func makeDirectory() throws(EmbeddedPostgresError) {
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/\(part)"
            // Those who run the server as another user need a way through; nobody can list the directory.
            if mkdir(path, geteuid() == 0 ? 0o711 : 0o700) != 0, errno != EEXIST {
                throw unusable(path, "cannot be made", errno)
            }
        }
        // A directory that an installer made for us may be closed to the server's user.
        var status = stat()
        guard geteuid() == 0, stat(directory, &status) == 0, status.st_mode & S_IXOTH == 0 else { return }
        _ = chmod(directory, status.st_mode & 0o777 | S_IXOTH)
    }

    /// Makes what the server needs to write to, and its socket directory.
    func makeServerFiles(for owner: ClusterOwner) throws(EmbeddedPostgresError) {
        try checkWay(for: owner)
        try makeDirectory(conf, mode: 0o755, owner: nil)
        try makeDirectory(socketDirectory, mode: 0o700, owner: owner)
        rotateLog()
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unusable(log, "cannot be opened", errno) }
        defer { close(descriptor) }
        if owner.isOther, fchown(descriptor, owner.userID, owner.groupID) != 0 {
            throw unusable(log, "cannot be given to \(owner.name)", errno)
        }
    }

    /// Makes a directory, or checks that the one there is not somebody else's.
    func makeDirectory(_ path: String, mode: UInt32, owner: ClusterOwner?) throws(EmbeddedPostgresError) {
        if mkdir(path, mode) != 0, errno != EEXIST { throw unusable(path, "cannot be made", errno) }
        if let owner, owner.isOther, lchown(path, owner.userID, owner.groupID) != 0 {
            throw unusable(path, "cannot be given to \(owner.name)", errno)
        }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == owner?.userID ?? geteuid()
        else { throw EmbeddedPostgresError(.directoryUnusable, "\(path) is not a directory of ours") }
        guard chmod(path, mode) == 0 else { throw unusable(path, "cannot be closed to others", errno) }
    }

    /// Every directory above must let the server's user pass.
    private func checkWay(for owner: ClusterOwner) throws(EmbeddedPostgresError) {
        guard owner.isOther else { return }
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/\(part)"
            var status = stat()
            guard stat(path, &status) == 0 else { throw unusable(path, "cannot be examined", errno) }
            let bit: UInt32 =
                status.st_uid == owner.userID ? S_IXUSR : status.st_gid == owner.groupID ? S_IXGRP : S_IXOTH
            guard status.st_mode & bit == 0 else { continue }
            throw EmbeddedPostgresError(
                .directoryUnusable,
                """
                \(path) is closed to user \(owner.name), as whom the database server runs.
                Open the way, which lets nobody list the directory: chmod o+x \(path)
                """
            )
        }
    }

    /// Keeps one old log when the current one has grown beyond 16 MiB.
    private func rotateLog() {
        var status = stat()
        guard lstat(log, &status) == 0, status.st_size > 16 << 20 else { return }
        _ = rename(log, "\(log).1")
    }

    /// The size of the server's log in bytes.
    var logSize: Int {
        var status = stat()
        return lstat(log, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The last lines of what the server's log has gained, for an error message.
    func log(since size: Int) -> String {
        guard let bytes = FileManager.default.contents(atPath: log) else { return "" }
        let lines = String(decoding: bytes.dropFirst(size).suffix(4096), as: UTF8.self).split(
            whereSeparator: \.isNewline
        )
        return lines.suffix(8).joined(separator: "\n")
    }

    private func unusable(_ path: String, _ what: String, _ code: Int32) -> EmbeddedPostgresError {
        EmbeddedPostgresError(.directoryUnusable, "\(path) \(what): \(String(cString: strerror(code)))")
    }
}
