// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import FoundationEssentials
internal import Glibc
internal import KeyShareProtocol
internal import NIOPosix

/// The folder of backups.
struct DumpFolder: Sendable {
    /// `DUMP_DIR`.
    let path: String

    /// Begins the name of a file that is being written; no name of a backup begins so.
    static let partPrefix = ".part-"

    /// Makes the folder if there is none.
    ///
    /// - Throws: `.storage`.
    func prepare() throws(BackupFault) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw BackupFault(.storage, "DUMP_DIR cannot be made: does its parent belong to the node's user?")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw BackupFault(.storage, "DUMP_DIR cannot be written: it has to belong to the node's user")
        }
    }

    /// Removes what processes that ended have begun to write.
    func removeParts() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for name in names where name.hasPrefix(Self.partPrefix) { unlink("\(path)/\(name)") }
    }

    /// Opens a backup, whose path was given by an administrator.
    ///
    /// What is opened is what is checked: the name is looked up once, in the folder itself, and followed nowhere.
    /// - Throws: `.path`, `.missing`, `.notAFile`, `.unreadable`.
    func open(_ dump: DumpPath) throws(BackupFault) -> DumpFile {
        if let folder = dump.folder {
            guard let real = Self.realPath(folder), let own = Self.realPath(path), real == own else {
                throw BackupFault(.path, "the file does not lie directly in DUMP_DIR")
            }
        }
        let directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw BackupFault(.unreadable, "DUMP_DIR cannot be read") }
        defer { close(directory) }
        // O_NONBLOCK: opening a pipe would wait for its other end.
        let descriptor = openat(directory, dump.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT, ENOTDIR: throw BackupFault(.missing, "\(dump.name): there is no such backup")
            case ELOOP: throw BackupFault(.path, "\(dump.name) is a symbolic link")
            case ENXIO, ENODEV: throw BackupFault(.path, "\(dump.name) is not a regular file")
            default: throw BackupFault(.unreadable, "\(dump.name) cannot be read")
            }
        }
        let file = DumpFile(name: dump.name, descriptor: descriptor)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BackupFault(.unreadable, "\(dump.name) cannot be read") }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw BackupFault(.notAFile, "\(dump.name) is a folder")
        default: throw BackupFault(.path, "\(dump.name) is not a regular file")
        }
        return file
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path.isEmpty ? "." : path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Removes a backup.
    ///
    /// - Returns: whether it is gone.
    func remove(_ name: String) -> Bool { unlink("\(path)/\(name)") == 0 || errno == ENOENT }
}

/// A file that was opened to be read; closed with its last reference.
final class DumpFile: Sendable {
    let name: String
    private let descriptor: Int32

    init(name: String, descriptor: Int32) {
        self.name = name
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Bytes.
    var size: Int64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// At most `count` bytes from a place in the file; none at its end.
    ///
    /// - Throws: `.unreadable`.
    func read(at offset: Int64, count: Int) async throws -> [UInt8] {
        let descriptor = descriptor
        let bytes: [UInt8]? = try await NIOThreadPool.singleton.runIfActive {
            var done = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                while done < count {
                    let start = buffer.baseAddress.map { $0 + done }
                    let got = pread(descriptor, start, count - done, off_t(offset) + off_t(done))
                    if got < 0, errno == EINTR { continue }
                    guard got > 0 else {
                        if got < 0 { done = -1 }
                        break
                    }
                    done += got
                }
                filled = max(0, done)
            }
            return done < 0 ? nil : bytes
        }
        // The file must not be closed meanwhile.
        return try withExtendedLifetime(self) {
            guard let bytes else { throw BackupFault(.unreadable, "\(name) cannot be read") }
            return bytes
        }
    }

    /// Calls the body with the file from a place on, piece by piece.
    func forEachPiece(from offset: Int64 = 0, _ body: ([UInt8]) async throws -> Void) async throws {
        var offset = offset
        while true {
            let bytes = try await read(at: offset, count: 256 * 1024)
            if bytes.isEmpty { return }
            offset += Int64(bytes.count)
            try await body(bytes)
        }
    }
}

/// A file that is being written, and that has its name only when it is whole and on the disk.
///
/// One task at a time may use it.
final class PartialFile: @unchecked Sendable {
    // No lock: used by one task at a time, each call awaited.
    private let folder: String
    private let part: String
    private var descriptor: Int32
    private var hash = SHA256()
    /// Bytes so far.
    private(set) var size: Int64 = 0

    /// - Throws: `.storage`.
    init(in folder: String) throws(BackupFault) {
        self.folder = folder
        part = "\(folder)/\(DumpFolder.partPrefix)\(UUID().uuidString.lowercased())"
        descriptor = Glibc.open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.fault("cannot be made") }
        // What an administrator makes with a command is the node's too.
        var status = stat()
        if geteuid() == 0, stat(folder, &status) == 0 { _ = fchown(descriptor, status.st_uid, status.st_gid) }
    }

    deinit { discard() }

    /// - Throws: `.storage`.
    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        hash.update(data: bytes)
        size += Int64(bytes.count)
        let descriptor = descriptor
        let isWritten = try await NIOThreadPool.singleton.runIfActive {
            bytes.withUnsafeBytes { buffer in
                var done = 0
                while done < buffer.count {
                    let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { return false }
                    done += count
                }
                return true
            }
        }
        guard isWritten else { throw Self.fault("cannot be written") }
    }

    /// SHA-256 of what was written.
    var digest: [UInt8] { Array(hash.finalize()) }

    /// Gives the file its name, once its bytes are on the disk.
    ///
    /// - Throws: `.storage`.
    func publish(as name: String) async throws {
        let (descriptor, part, folder) = (descriptor, part, folder)
        let isPublished = try await NIOThreadPool.singleton.runIfActive {
            guard fsync(descriptor) == 0, rename(part, "\(folder)/\(name)") == 0 else { return false }
            // The name is on the disk too.
            let directory = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else { return false }
            defer { close(directory) }
            return fsync(directory) == 0
        }
        guard isPublished else { throw Self.fault("cannot be kept") }
        close(descriptor)
        self.descriptor = -1
    }

    /// Removes the file unless it has its name.
    func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(part)
        descriptor = -1
    }

    private static func fault(_ what: String) -> BackupFault {
        BackupFault(.storage, "the file \(what): \(String(cString: strerror(errno)))")
    }
}
