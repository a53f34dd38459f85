// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A temporary file without a name, which vanishes with its owner; every call blocks.
final class RecordFile: Sendable {
    private let descriptor: Int32

    /// Makes it in a directory.
    init(directory: String) throws(SandboxError) {
        var template = Array((directory + "/graph-XXXXXX").utf8CString)
        descriptor = template.withUnsafeMutableBufferPointer { buffer in
            guard let name = buffer.baseAddress else { return -1 }
            let descriptor = mkstemp(name)
            if descriptor >= 0 { unlink(name) }
            return descriptor
        }
        guard descriptor >= 0 else { throw .system("mkstemp", directory) }
    }

    deinit { close(descriptor) }

    /// Adds bytes at the end; callers take turns.
    ///
    /// - Returns: where they stand.
    @discardableResult
    func append(_ bytes: [UInt8]) throws(SandboxError) -> UInt64 {
        let start = lseek(descriptor, 0, SEEK_END)
        guard start >= 0 else { throw .system("seek", "the graph's records") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write", "the graph's records") }
            rest = rest.dropFirst(count)
        }
        return UInt64(start)
    }

    func read(_ place: GraphIndex.Place) throws(SandboxError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(place.length))
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(place.offset)) }
        guard count == bytes.count else { throw .system("read", "the graph's records") }
        return bytes
    }
}
