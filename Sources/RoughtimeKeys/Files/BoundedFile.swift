// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Reads small files that somebody else may have written: no link is followed, nothing waits, nothing is endless.
enum BoundedFile {
    /// Opens a regular file.
    static func open(_ path: String) throws(RoughtimeKeyError) -> Int32 {
        // Without O_NONBLOCK a pipe under this name would stop us for ever.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw RoughtimeKeyError(.missing, "\(path) does not exist")
            case ELOOP: throw RoughtimeKeyError(.unreadable, "\(path) is a symbolic link; name the file itself")
            default: throw .system("open \(path)")
            }
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw RoughtimeKeyError(.unreadable, "\(path) is not a regular file")
        }
        return descriptor
    }

    /// Reads a whole file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws(RoughtimeKeyError) -> [UInt8] {
        let descriptor = try open(path)
        defer { close(descriptor) }
        let bytes = try read(descriptor, limit: limit + 1, name: path)
        guard bytes.count <= limit else {
            throw RoughtimeKeyError(.unreadable, "\(path) is larger than \(limit) bytes")
        }
        return bytes
    }

    /// Reads from where the descriptor stands, at most `limit` bytes.
    static func read(_ descriptor: Int32, limit: Int, name: String) throws(RoughtimeKeyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), limit - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .system("read \(name)") }
            if got == 0 { break }
            count += got
        }
        return Array(bytes[..<count])
    }
}

extension RoughtimeKeyError {
    /// An error of the operating system, as `errno` has it now.
    static func system(_ what: String) -> Self {
        RoughtimeKeyError(.system, "cannot \(what): \(String(cString: strerror(errno)))")
    }
}
