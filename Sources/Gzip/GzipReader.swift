// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Reads a file in chunks and inflates it on the way when it is gzip (RFC 1952).
///
/// The first two bytes decide: `1f 8b` is gzip, anything else is passed on as it is. Several gzip members in a row are
/// one stream, as `gzip -d` reads them. Memory is bounded by the chunk size and zlib's window of 32 KiB, whatever the
/// file holds. Reading blocks, so call it from a thread that may block. Not thread-safe.
public final class GzipReader {
    private let descriptor: Int32
    private let path: String
    private let chunkSize: Int
    /// `nil` for a plain file.
    private var inflater: Inflater?
    private var input: [UInt8]
    private var inputRange = 0..<0
    private var endOfFile = false
    /// Whether the stream is inside a gzip member, where the end of the file is an error.
    private var insideMember = false

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - chunkSize: the most bytes a chunk can have, at least 1.
    public init(path: String, chunkSize: Int = 65_536) throws(GzipError) {
        precondition(chunkSize > 0, "a chunk holds at least one byte")
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw GzipError(.cannotOpen, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        self.descriptor = descriptor
        self.path = path
        self.chunkSize = chunkSize
        input = [UInt8](repeating: 0, count: 65_536)
        inflater = nil
        try fill()
        if inputRange.count >= 2, input[0] == 0x1F, input[1] == 0x8B {
            inflater = try Inflater()
            insideMember = true
        }
    }

    deinit { close(descriptor) }

    /// Whether the file is compressed.
    public var isCompressed: Bool { inflater != nil }

    /// The next bytes, or `nil` at the end of the file.
    ///
    /// - Returns: 1 to `chunkSize` bytes.
    /// - Throws: `.truncated` when the file ends inside a gzip member, `.corrupt` when a member or what follows it is
    ///   damaged, `.cannotRead` when the operating system says so.
    public func next() throws(GzipError) -> [UInt8]? {
        guard let inflater else { return try nextPlain() }
        var output = [UInt8](repeating: 0, count: chunkSize)
        while true {
            if inputRange.isEmpty { try fill() }
            guard !inputRange.isEmpty else {
                guard !insideMember else { throw GzipError(.truncated, "\(path) ends inside a gzip member") }
                return nil
            }
            if !insideMember {
                inflater.reset()
                insideMember = true
            }
            let step = try inflate(with: inflater, into: &output)
            inputRange = (inputRange.lowerBound + step.consumed)..<inputRange.upperBound
            if step.memberEnded { insideMember = false }
            guard step.produced == 0 else {
                output.removeLast(chunkSize - step.produced)
                return output
            }
            guard step.consumed > 0 || step.memberEnded else {
                throw GzipError(.corrupt, "\(path): inflation makes no progress")
            }
        }
    }

    /// Reads the whole of a file that is known to be small.
    ///
    /// - Parameter limit: the most bytes accepted after inflation.
    /// - Throws: as ``next()``, and `.corrupt` when the content is longer than `limit`.
    public static func readAll(path: String, limit: Int) throws(GzipError) -> [UInt8] {
        let reader = try GzipReader(path: path)
        var bytes: [UInt8] = []
        while let chunk = try reader.next() {
            guard bytes.count + chunk.count <= limit else {
                throw GzipError(.corrupt, "\(path) holds more than \(limit) bytes")
            }
            bytes.append(contentsOf: chunk)
        }
        return bytes
    }

    private func nextPlain() throws(GzipError) -> [UInt8]? {
        if inputRange.isEmpty { try fill() }
        guard !inputRange.isEmpty else { return nil }
        let end = min(inputRange.upperBound, inputRange.lowerBound + chunkSize)
        defer { inputRange = end..<inputRange.upperBound }
        return Array(input[inputRange.lowerBound..<end])
    }

    private func inflate(with inflater: Inflater, into output: inout [UInt8]) throws(GzipError) -> Inflater.Step {
        let range = inputRange
        let result = input.withUnsafeMutableBytes { source in
            output.withUnsafeMutableBytes { target in
                Result { () throws(GzipError) in
                    try inflater.step(UnsafeMutableRawBufferPointer(rebasing: source[range]), into: target)
                }
            }
        }
        return try result.get()
    }

    /// Reads the next block of the file into `input`.
    private func fill() throws(GzipError) {
        guard !endOfFile else { return }
        while true {
            let count = input.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw GzipError(.cannotRead, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            endOfFile = count == 0
            inputRange = 0..<count
            return
        }
    }
}
