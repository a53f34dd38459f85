// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import LightningPrimitives

extension UnsignedEvent {
    /// The JSON array that is hashed: `[0,key,created_at,kind,tags,content]` without white space (NIP-01).
    ///
    /// Quotation mark, backslash and the control characters with a short form are escaped so; NIP-01 leaves the other
    /// control characters open, and they are written `\u00xx`, as every JSON library does. All else is UTF-8 as it is.
    public var canonicalForm: [UInt8] {
        var out: [UInt8] = []
        var size = 128 + content.utf8.count
        for tag in tags { for text in tag { size += text.utf8.count + 3 } }
        out.reserveCapacity(size + 4 * tags.count)
        out.append(contentsOf: "[0,\"".utf8)
        out.append(contentsOf: key.hex.utf8)
        out.append(contentsOf: "\",".utf8)
        out.append(contentsOf: String(createdAt).utf8)
        out.append(comma)
        out.append(contentsOf: String(kind).utf8)
        out.append(comma)
        Self.append(tags, to: &out)
        out.append(comma)
        JSONText.append(content, to: &out)
        out.append(UInt8(ascii: "]"))
        return out
    }

    static func append(_ tags: [[String]], to out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        for (index, tag) in tags.enumerated() {
            if index > 0 { out.append(comma) }
            out.append(UInt8(ascii: "["))
            for (index, text) in tag.enumerated() {
                if index > 0 { out.append(comma) }
                JSONText.append(text, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        }
        out.append(UInt8(ascii: "]"))
    }
}

private let comma = UInt8(ascii: ",")

extension NostrEvent {
    /// The event as a JSON object without white space.
    public var json: [UInt8] {
        var out: [UInt8] = []
        func append(_ text: String) { out.append(contentsOf: text.utf8) }
        append("{\"id\":\"\(id.hex)\",\"pubkey\":\"\(key.hex)\",\"created_at\":\(createdAt),\"kind\":\(kind),\"tags\":")
        UnsignedEvent.append(tags, to: &out)
        append(",\"content\":")
        JSONText.append(content, to: &out)
        append(",\"sig\":\"\(signatureHex)\"}")
        return out
    }
}

extension EventID {
    init(sha256 bytes: [UInt8]) {
        guard let id = EventID(Array(SHA256.hash(data: bytes))) else { preconditionFailure("SHA-256 has 32 bytes") }
        self = id
    }
}

/// Writes strings as NIP-01 does.
enum JSONText {
    static func append(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            for index in bytes.indices where needsEscape(bytes[index]) {
                out.append(contentsOf: bytes[start..<index])
                appendEscape(of: bytes[index], to: &out)
                start = index + 1
            }
            out.append(contentsOf: bytes[start...])
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func appendEscape(of byte: UInt8, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: out.append(UInt8(ascii: "b"))
        case 0x09: out.append(UInt8(ascii: "t"))
        case 0x0A: out.append(UInt8(ascii: "n"))
        case 0x0C: out.append(UInt8(ascii: "f"))
        case 0x0D: out.append(UInt8(ascii: "r"))
        case 0x00..<0x20:
            out.append(contentsOf: "u00".utf8)
            out.append(UInt8(ascii: "0") + byte >> 4)
            out.append(contentsOf: String(byte & 0x0F, radix: 16).utf8)
        default: out.append(byte)
        }
    }
}
