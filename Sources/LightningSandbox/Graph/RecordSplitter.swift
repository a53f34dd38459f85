// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a graph document into its records, the objects inside `nodes` and `edges`, without reading what is in them.
///
/// Takes the document in pieces of any size and holds no more than the record that is not complete yet. Linear.
struct RecordSplitter {
    /// Which of the document's two lists a record stands in.
    enum List: Sendable { case nodes, edges, other }

    private static let lists: [[UInt8]: List] = [Array("nodes".utf8): .nodes, Array("edges".utf8): .edges]

    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var list = List.other
    /// The last text at the document's first level: the name of what follows.
    private var name: [UInt8] = []
    private var record: [UInt8] = []
    private var start: UInt64 = 0
    private var position: UInt64 = 0

    /// Takes the next piece and hands on each record that it completes, with its offset in the document.
    mutating func take(_ piece: [UInt8], _ handle: (List, [UInt8], UInt64) throws -> Void) rethrows {
        for byte in piece {
            let wasInRecord = depth >= 3
            if isInString {
                takeInString(byte)
            } else {
                takeOutside(byte)
            }
            if !wasInRecord, depth >= 3 {
                record = []
                start = position
            }
            if wasInRecord || depth >= 3 { record.append(byte) }
            if wasInRecord, depth < 3 { try handle(list, record, start) }
            position += 1
        }
    }

    private mutating func takeInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        } else if depth == 1 {
            name.append(byte)
        }
    }

    private mutating func takeOutside(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            if depth == 1 { name = [] }
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            depth += 1
            if depth == 2 { list = Self.lists[name] ?? .other }
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: break
        }
    }
}
