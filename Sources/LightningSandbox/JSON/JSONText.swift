// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The text of a request body, in which LND's errors name places.
///
/// The body has been read as JSON, or has been found not to be; here only words are searched for.
struct JSONText: Sendable {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Where a member's name stands, such as `1:16`; the beginning when it is written with escapes.
    func place(ofName name: String) -> String { place(at: offset(ofName: name) ?? 0) }

    /// Where a member's value stands.
    func place(ofValueOf name: String) -> String {
        guard var offset = offset(ofName: name) else { return place(at: 0) }
        offset += name.utf8.count + 2
        while offset < bytes.count, bytes[offset] <= 0x20 || bytes[offset] == UInt8(ascii: ":") { offset += 1 }
        return place(at: offset)
    }

    /// What is wrong with a text that is not JSON, worded as Go's `encoding/json` words the usual cases.
    var syntaxError: String {
        let visible = bytes.filter { $0 > 0x20 }
        guard let first = visible.first else { return "unexpected EOF" }
        guard first == UInt8(ascii: "{") else {
            return "invalid character '\(Self.shown(first))' looking for beginning of value"
        }
        guard visible.count > 1 else { return "unexpected EOF" }
        guard visible[1] != UInt8(ascii: "\"") else { return "unexpected EOF" }
        return "invalid character '\(Self.shown(visible[1]))' looking for beginning of object key string"
    }

    private static func shown(_ byte: UInt8) -> String { byte < 0x80 ? String(UnicodeScalar(byte)) : "\u{FFFD}" }

    /// The offset of the quoted name that a colon follows.
    private func offset(ofName name: String) -> Int? {
        let quoted = Array("\"\(name)\"".utf8)
        guard bytes.count >= quoted.count else { return nil }
        return (0...(bytes.count - quoted.count)).first { start in
            bytes[start..<start + quoted.count].elementsEqual(quoted)
                && bytes[(start + quoted.count)...].first { $0 > 0x20 } == UInt8(ascii: ":")
        }
    }

    private func place(at offset: Int) -> String {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == 0x0A } + 1
        let column = offset - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return "\(line):\(column)"
    }
}
