// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A Roughtime message with its values, for everything that is not in a hurry.
public struct Message: Equatable, Sendable {
    public let bytes: [UInt8]
    /// Tags with the places of their values in ``bytes``, ascending.
    public let fields: [(tag: Tag, range: Range<Int>)]

    /// Reads a message; every byte belongs to it.
    public init(_ bytes: [UInt8]) throws(MessageError) {
        var fields: [(tag: Tag, range: Range<Int>)] = []
        try MessageScanner.scan(bytes.span.bytes, in: 0..<bytes.count) { fields.append((tag: $0, range: $1)) }
        self.bytes = bytes
        self.fields = fields
    }

    /// Makes a message of values whose lengths are multiples of 4.
    ///
    /// The order of `values` does not matter; equal tags are a mistake of the caller.
    public init(values: [(Tag, [UInt8])]) {
        precondition(!values.isEmpty && values.count <= MessageScanner.maximumTags)
        precondition(values.allSatisfy { $0.1.count.isMultiple(of: 4) })
        let sorted = values.sorted { $0.0 < $1.0 }
        precondition(zip(sorted, sorted.dropFirst()).allSatisfy { $0.0 < $1.0 })
        var bytes = [UInt8](littleEndian: UInt32(sorted.count))
        var offset = 0
        for value in sorted.dropLast() {
            offset += value.1.count
            bytes.append(littleEndian: UInt32(offset))
        }
        for value in sorted { bytes.append(littleEndian: value.0.rawValue) }
        var fields: [(tag: Tag, range: Range<Int>)] = []
        for value in sorted {
            fields.append((tag: value.0, range: bytes.count..<bytes.count + value.1.count))
            bytes.append(contentsOf: value.1)
        }
        self.bytes = bytes
        self.fields = fields
    }

    public subscript(tag: Tag) -> ArraySlice<UInt8>? {
        fields.first { $0.tag == tag }.map { bytes[$0.range] }
    }

    public static func == (left: Message, right: Message) -> Bool { left.bytes == right.bytes }
}
