// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Reading and writing little-endian integers, the only byte order of Roughtime.
extension RawSpan {
    @inline(__always)
    func uint32(at offset: Int) -> UInt32 {
        unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
    }

    @inline(__always)
    func uint64(at offset: Int) -> UInt64 {
        unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
    }

    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    init(littleEndian value: some FixedWidthInteger) {
        self = []
        append(littleEndian: value)
    }
}

extension Collection<UInt8> {
    /// The little-endian value of at most eight bytes.
    var littleEndianValue: UInt64 {
        reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
