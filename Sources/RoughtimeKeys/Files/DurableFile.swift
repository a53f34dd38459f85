// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Writes files that others see whole or not at all, and that a power cut does not undo.
enum DurableFile {
    /// Whether an existing file may be replaced.
    enum Replacing { case allowed, refused }

    static func write(
        _ bytes: [UInt8],
        to path: String,
        mode: mode_t,
        replacing: Replacing = .allowed
    ) throws(RoughtimeKeyError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(RoughtimeKeyError) in
            try write(UnsafeRawBufferPointer(bytes), to: path, mode: mode, replacing: replacing)
        }
    }

    /// Writes a file beside the old one, brings it to the disk and puts it in the old one's place.
    /// - Parameter mode: the file's mode, whatever the process's mask is.
    static func write(
        _ bytes: UnsafeRawBufferPointer,
        to path: String,
        mode: mode_t,
        replacing: Replacing = .allowed
    ) throws(RoughtimeKeyError) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let draft = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("write in \(directory)") }
        defer {
            close(descriptor)
            // Gone already when all went well.
            unlink(draft)
        }
        try append(bytes, to: descriptor, name: draft)
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw .system("write \(draft)") }
        switch replacing {
        case .allowed:
            guard rename(draft, path) == 0 else { throw .system("write \(path)") }
        case .refused:
            guard link(draft, path) == 0 else {
                if errno == EEXIST { throw .exists(path) }
                throw .system("write \(path)")
            }
        }
        try synchronise(directory)
    }

    /// Writes all bytes to a descriptor.
    static func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, name: String) throws(RoughtimeKeyError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write \(name)") }
            done += count
        }
    }

    /// Brings a directory's entries to the disk.
    static func synchronise(_ directory: String) throws(RoughtimeKeyError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open \(directory)") }
        defer { close(descriptor) }
        // A file system in memory may not know how, and need not.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system("write \(directory)") }
    }
}

extension RoughtimeKeyError {
    static func exists(_ path: String) -> Self {
        RoughtimeKeyError(
            .refused,
            "\(path) exists already and is not overwritten: it may be the only copy of a key. Move it away first."
        )
    }
}
