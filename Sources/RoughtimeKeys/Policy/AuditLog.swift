// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// The list of all that the long-term key has signed, one JSON object a line, only ever appended to.
///
/// A line is on the disk before its certificates leave the process, so there is no certificate without a line. While a
/// value lives no other process can mint.
public struct AuditLog: ~Copyable {
    /// The end of the file that is read: some 400 lines, of which the policy needs eight.
    static let tail = 65_536

    private let path: String
    private let descriptor: Int32
    /// The latest mintings, oldest first.
    public private(set) var mintings: [Minting]

    /// Opens the log, and makes it if there is none.
    /// - Throws: ``RoughtimeKeyError/Code/busy`` while another process has it; `malformed` when a line is damaged.
    public init(_ path: String) throws(RoughtimeKeyError) {
        let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("open the audit log \(path)") }
        var isOpened = false
        // Not in deinit alone: that runs only for a value that came to be.
        defer { if !isOpened { close(descriptor) } }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw RoughtimeKeyError(.busy, "another process is minting with the audit log \(path); try again")
        }
        let mintings = try Self.read(descriptor, path)
        isOpened = true
        self.path = path
        self.descriptor = descriptor
        self.mintings = mintings
    }

    deinit { close(descriptor) }

    /// Writes a line and waits until it is on the disk.
    public mutating func append(_ minting: Minting) throws(RoughtimeKeyError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(minting) else {
            throw RoughtimeKeyError(.malformed, "the minting cannot be written")
        }
        let bytes = Array(line) + [UInt8(ascii: "\n")]
        try bytes.withUnsafeBufferPointer { (bytes) throws(RoughtimeKeyError) in
            try DurableFile.append(UnsafeRawBufferPointer(bytes), to: descriptor, name: path)
        }
        guard fsync(descriptor) == 0 else { throw .system("write the audit log \(path)") }
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try DurableFile.synchronise(directory)
        mintings.append(minting)
    }

    private static func read(_ descriptor: Int32, _ path: String) throws(RoughtimeKeyError) -> [Minting] {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RoughtimeKeyError(.unreadable, "the audit log \(path) is not a regular file")
        }
        let size = Int(status.st_size)
        let isCut = size > tail
        guard lseek(descriptor, isCut ? off_t(size - tail) : 0, SEEK_SET) >= 0 else { throw .system("read \(path)") }
        let bytes = try BoundedFile.read(descriptor, limit: tail, name: path)
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // What stands after the last line end is a line that a crash cut off, before its certificates were handed out.
        if let rest = lines.popLast(), !rest.isEmpty, ftruncate(descriptor, off_t(size - rest.count)) != 0 {
            throw .system("mend the audit log \(path)")
        }
        if isCut, !lines.isEmpty { lines.removeFirst() }
        var mintings: [Minting] = []
        for line in lines {
            guard let minting = try? JSONDecoder().decode(Minting.self, from: Data(line)) else {
                throw RoughtimeKeyError(
                    .malformed,
                    """
                    the audit log \(path) has a line that is no minting: \(line.count) bytes, \(lines.count) lines read. Keep \
                    the file for inspection under another name, and put one with its good lines in its place
                    """
                )
            }
            mintings.append(minting)
        }
        return mintings
    }
}
