// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
internal import ReleaseFormat

/// Changes of the file system that are whole after a crash, or have not happened.
enum DurableFiles {
    /// Reads a file that must not be larger than a limit.
    static func read(_ path: String, limit: Int) throws(ReleaseError) -> [UInt8] {
        let file = try OpenFile.reading(path)
        var (bytes, buffer): ([UInt8], [UInt8]) = ([], [])
        while true {
            let part = try file.read(into: &buffer)
            if part.isEmpty { return bytes }
            bytes += part
            guard bytes.count <= limit else {
                throw ReleaseError(.malformed, "\(path) is larger than \(limit) bytes")
            }
        }
    }

    /// Puts a file in the place of another.
    static func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(ReleaseError) {
        let temporary = "\(path).new"
        unlink(temporary)
        try write(bytes[...], to: temporary, mode: mode)
        try move(temporary, to: path)
    }

    /// Makes a file, on the disk when this returns; its name is not before ``synchronize(directory:)``.
    static func write(_ bytes: ArraySlice<UInt8>, to path: String, mode: UInt32) throws(ReleaseError) {
        let file = try OpenFile.creating(path, mode: mode)
        try file.write(bytes)
        try file.synchronize()
    }

    /// Points a symbolic link to another place, in one step.
    static func link(_ path: String, to target: String) throws(ReleaseError) {
        let temporary = "\(path).new"
        unlink(temporary)
        guard symlink(target, temporary) == 0 else { throw .system("\(temporary) cannot be made") }
        try move(temporary, to: path)
    }

    /// Moves within one file system, over what is there.
    static func move(_ source: String, to target: String) throws(ReleaseError) {
        guard rename(source, target) == 0 else { throw .system("\(source) cannot be moved to \(target)") }
        try synchronize(directory: parent(target))
    }

    /// Waits until the names in a directory are on the disk.
    static func synchronize(directory: String) throws(ReleaseError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("\(directory) cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("\(directory) cannot be written to the disk") }
    }

    /// Makes one directory that others may read; one that is there stays.
    static func makeDirectory(_ path: String) throws(ReleaseError) {
        if mkdir(path, 0o755) == 0 {
            guard chmod(path, 0o755) == 0 else { throw .system("the mode of \(path) cannot be set") }
        } else if errno != EEXIST {
            throw .system("\(path) cannot be made")
        }
    }

    /// Removes a directory with everything in it; links in it are removed, not followed.
    static func remove(_ path: String) throws(ReleaseError) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw ReleaseError(.storage, "\(path) cannot be removed: \(error)")
        }
    }

    /// The names in a directory, sorted.
    static func names(in directory: String) throws(ReleaseError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw ReleaseError(.storage, "\(directory) cannot be listed: \(error)")
        }
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Keeps two installations apart; the kernel releases it when the process ends, however it ends.
final class InstallationLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// A child of ours holds a copy of a closed descriptor for the moment between fork and exec.
    /// - Throws: `.locked` when another process still holds it after a second.
    init(_ path: String) throws(ReleaseError) {
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("\(path) cannot be opened") }
        var tries = 50
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, tries > 0 {
            tries -= 1
            usleep(20_000)
        }
        guard tries > 0 else {
            close(descriptor)
            throw ReleaseError(.locked, "another installation or rollback is under way (\(path) is locked)")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
