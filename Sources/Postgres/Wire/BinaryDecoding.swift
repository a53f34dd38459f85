// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Readers of PostgreSQL's binary formats; each returns `nil` for bytes that are not of the form.
extension UnsafeRawBufferPointer {
    /// A big-endian integer that fills the buffer.
    func integer<Integer: FixedWidthInteger>(as type: Integer.Type) -> Integer? {
        guard count == MemoryLayout<Integer>.size else { return nil }
        return Integer(bigEndian: loadUnaligned(as: Integer.self))
    }

    /// A signed integer of 2, 4 or 8 bytes.
    func widened() -> Int64? {
        switch count {
        case 2: integer(as: Int16.self).map(Int64.init)
        case 4: integer(as: Int32.self).map(Int64.init)
        case 8: integer(as: Int64.self)
        default: nil
        }
    }

    /// An IEEE 754 number of 4 or 8 bytes.
    func floatingPoint() -> Double? {
        switch count {
        case 4: integer(as: UInt32.self).map { Double(Float(bitPattern: $0)) }
        case 8: integer(as: UInt64.self).map(Double.init(bitPattern:))
        default: nil
        }
    }

    /// UTF-8 text; the client encoding is always UTF-8.
    func string() -> String? { String(validating: self, as: UTF8.self) }

    /// The buffer without its first bytes.
    func dropping(_ prefix: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self.dropFirst(prefix)) }

    /// An array of at most one dimension without NULL.
    ///
    /// Form: dimensions, has-null flag, element type, then per dimension length and lower bound, then per element its
    /// length and its bytes; everything but the bytes is a big-endian int32.
    func array<Element>(_ decode: (UnsafeRawBufferPointer) -> Element?) -> [Element]? {
        guard let dimensions = int32(at: 0), count >= 12 else { return nil }
        if dimensions == 0 { return count == 12 ? [] : nil }
        guard dimensions == 1, let length = int32(at: 12), length >= 0, count >= 20 else { return nil }
        // Every element takes at least its length field, so a lying header cannot make us reserve much.
        guard Int(length) <= (count - 20) / 4 else { return nil }
        var elements: [Element] = []
        elements.reserveCapacity(Int(length))
        var offset = 20
        for _ in 0..<length {
            guard let size = int32(at: offset), size >= 0, Int(size) <= count - offset - 4 else { return nil }
            let bytes = UnsafeRawBufferPointer(rebasing: self[(offset + 4)..<(offset + 4 + Int(size))])
            guard let element = decode(bytes) else { return nil }
            elements.append(element)
            offset += 4 + Int(size)
        }
        return offset == count ? elements : nil
    }

    private func int32(at offset: Int) -> Int32? {
        guard offset + 4 <= count else { return nil }
        return Int32(bigEndian: loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
}
