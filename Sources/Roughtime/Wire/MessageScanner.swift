// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Reads the header of a message in place: no copy, no allocation.
///
/// The layout is RFC 10049, section 4.1: the number of pairs, offsets of all values but the first, tags, values.
public enum MessageScanner {
    /// The most tags a message may have; real ones have ten at most.
    public static let maximumTags = 64

    /// Calls `visit` with every tag and the place of its value in `bytes`, in the order of the wire.
    ///
    /// - Throws: ``MessageError`` when the message within `range` breaks a rule; `visit` may have seen tags before.
    @inlinable
    public static func scan(
        _ bytes: RawSpan,
        in range: Range<Int>,
        _ visit: (Tag, Range<Int>) -> Void
    ) throws(MessageError) {
        let length = range.count
        guard length.isMultiple(of: 4) else { throw .notAligned }
        guard length >= 8, range.upperBound <= bytes.byteCount else { throw .tooShort }
        let base = range.lowerBound
        let stated = load(bytes, base)
        guard stated >= 1, stated <= UInt32(maximumTags) else { throw .tagCount(stated) }
        let count = Int(stated)
        let header = 8 * count
        guard length >= header else { throw .tooShort }
        let tags = base + 4 * count
        let values = base + header
        let room = UInt32(length - header)
        var start: UInt32 = 0
        var previous: UInt32?
        for index in 0..<count {
            let tag = load(bytes, tags + 4 * index)
            if let previous, tag <= previous { throw .tagOrder(Tag(rawValue: tag)) }
            previous = tag
            let end = index + 1 < count ? load(bytes, base + 4 * (index + 1)) : room
            guard end >= start, end <= room, end & 3 == 0 else { throw .offset(end) }
            visit(Tag(rawValue: tag), values + Int(start)..<values + Int(end))
            start = end
        }
    }

    @inlinable
    @inline(__always)
    static func load(_ bytes: RawSpan, _ offset: Int) -> UInt32 {
        bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
    }
}
