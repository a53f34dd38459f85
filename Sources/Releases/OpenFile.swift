// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import ReleaseFormat

/// An open file, closed when it goes out of use.
struct OpenFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Opens a file to read; a link in the place of the file is refused.
    static func reading(_ path: String) throws(ReleaseError) -> OpenFile {
        // A pipe in the place of the file must not stop us.
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("\(path) cannot be read", errno == ENOENT ? .missing : .storage) }
        let file = OpenFile(descriptor: descriptor, path: path)
        guard try file.status().isPlainFile else { throw ReleaseError(.storage, "\(path) is not a plain file") }
        return file
    }

    /// Opens what a link of the kernel leads to, such as `/proc/self/exe`.
    static func following(_ path: String) throws(ReleaseError) -> OpenFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("\(path) cannot be read") }
        return OpenFile(descriptor: descriptor, path: path)
    }

    /// Makes a file that is not there yet.
    static func creating(_ path: String, mode: UInt32) throws(ReleaseError) -> OpenFile {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("\(path) cannot be made") }
        let file = OpenFile(descriptor: descriptor, path: path)
        // The mode must not depend on the caller's umask.
        guard fchmod(descriptor, mode) == 0 else { throw failure("the mode of \(path) cannot be set") }
        return file
    }

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func status() throws(ReleaseError) -> FileStatus {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("\(path) cannot be looked at") }
        return FileStatus(status)
    }

    /// Reads up to 256 KiB; nothing at the end.
    func read(into buffer: inout [UInt8]) throws(ReleaseError) -> ArraySlice<UInt8> {
        if buffer.count < 1 << 18 { buffer = [UInt8](repeating: 0, count: 1 << 18) }
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { return buffer[..<count] }
            guard errno == EINTR else { throw Self.failure("\(path) cannot be read") }
        }
    }

    /// Goes back to the beginning.
    func rewind() throws(ReleaseError) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.failure("\(path) cannot be read again") }
    }

    /// Writes everything.
    func write(_ bytes: ArraySlice<UInt8>) throws(ReleaseError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw Self.failure("\(path) cannot be written")
            }
        }
    }

    /// Waits until the contents are on the disk.
    func synchronize() throws(ReleaseError) {
        guard fsync(descriptor) == 0 else { throw Self.failure("\(path) cannot be written to the disk") }
    }

    private static func failure(_ text: String, _ code: ReleaseError.Code = .storage) -> ReleaseError {
        .system(text, code)
    }
}

extension ReleaseError {
    /// What the system just refused, with its reason.
    static func system(_ text: String, _ code: Code = .storage) -> ReleaseError {
        let reason = errno
        let remedy = reason == EACCES || reason == EPERM ? "; run this as root" : ""
        return ReleaseError(code, "\(text): \(String(cString: strerror(reason)))\(remedy)")
    }
}
