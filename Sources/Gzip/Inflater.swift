// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CZlib

/// A zlib inflate state for a sequence of gzip members (RFC 1952).
///
/// Not thread-safe. zlib keeps a pointer back to its `z_stream`, so the stream lives at one address.
final class Inflater {
    /// What one step of inflation did.
    struct Step {
        /// Input bytes used.
        let consumed: Int
        /// Output bytes made.
        let produced: Int
        /// Whether a gzip member ended, its checksum and length being right.
        let memberEnded: Bool
    }

    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(GzipError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 is the greatest window there is; 16 asks for the gzip wrapper and nothing else.
        let result = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw GzipError(.outOfMemory, "zlib: inflateInit2 returned \(result)") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Prepares for the next gzip member.
    func reset() { inflateReset(stream) }

    /// Inflates as much of `input` as fits into `output`.
    func step(_ input: UnsafeMutableRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(GzipError)
        -> Step
    {
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_in = uInt(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = uInt(output.count)
        let result = inflate(stream, Z_NO_FLUSH)
        switch result {
        case Z_OK, Z_STREAM_END, Z_BUF_ERROR: break
        case Z_MEM_ERROR: throw GzipError(.outOfMemory, "zlib ran out of memory")
        default:
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "code \(result)"
            throw GzipError(.corrupt, "not a valid gzip stream: \(reason)")
        }
        return Step(
            consumed: input.count - Int(stream.pointee.avail_in),
            produced: output.count - Int(stream.pointee.avail_out),
            memberEnded: result == Z_STREAM_END
        )
    }
}
