// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// Finds where a cluster's files can be when the directory asked for is closed to the server's user.
///
/// PostgreSQL refuses to run as root, and root's directories (a home, a `mktemp -d`) let no other user pass. Opening
/// them is not ours to do, so the files go to a directory of ours that lets others pass, and a link takes their place.
enum ClusterPlace {
    private static let clusters = "/var/lib/assay/clusters"

    /// The directory to use for a cluster that is asked for at a path.
    static func resolve(_ directory: String) throws(EmbeddedPostgresError) -> String {
        guard geteuid() == 0 else { return directory }
        var status = stat()
        if lstat(directory, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK, status.st_uid == 0 else { return directory }
            return try target(of: directory)
        }
        guard isClosed(directory) else { return directory }
        removeAbandoned()
        return try make(for: directory)
    }

    private static func target(of link: String) throws(EmbeddedPostgresError) -> String {
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
            target.hasPrefix(clusters + "/"), FileManager.default.fileExists(atPath: target)
        else {
            throw EmbeddedPostgresError(
                .directoryUnusable,
                "\(link) does not lead to a cluster in \(clusters); restore it, or remove the link to begin anew"
            )
        }
        return target
    }

    /// Whether a directory above the path, which is there already, lets other users not pass.
    private static func isClosed(_ directory: String) -> Bool {
        var path = ""
        for part in directory.split(separator: "/").dropLast() {
            path += "/\(part)"
            var status = stat()
            guard stat(path, &status) == 0 else { return false }
            if status.st_mode & S_IXOTH == 0 { return true }
        }
        return false
    }

    private static func make(for directory: String) throws(EmbeddedPostgresError) -> String {
        let target = "\(clusters)/\(UUID().uuidString.lowercased())"
        let manager = FileManager.default
        do {
            try manager.createDirectory(
                atPath: target,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o711]
            )
            try Data(directory.utf8).write(to: URL(fileURLWithPath: "\(target)/asked-for-at"))
            let parent = URL(fileURLWithPath: directory).deletingLastPathComponent().path
            try manager.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try manager.createSymbolicLink(atPath: directory, withDestinationPath: target)
        } catch {
            throw EmbeddedPostgresError(.directoryUnusable, "\(target) cannot take the place of \(directory): \(error)")
        }
        return target
    }

    /// Removes clusters whose link is gone, unless their server still runs.
    private static func removeAbandoned() {
        let manager = FileManager.default
        for name in (try? manager.contentsOfDirectory(atPath: clusters)) ?? [] {
            let path = "\(clusters)/\(name)"
            guard let owner = manager.contents(atPath: "\(path)/asked-for-at") else { continue }
            let link = String(decoding: owner, as: UTF8.self)
            guard (try? manager.destinationOfSymbolicLink(atPath: link)) != path,
                let layout = try? ClusterLayout(directory: path), ServerProcess.current(layout) == nil
            else { continue }
            try? manager.removeItem(atPath: path)
        }
    }
}
