// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// The one reading of a request path, shared by everything that compares paths.
public enum RequestPath {
    /// The path's segments after one percent-decoding, without `.` and empty segments.
    ///
    /// - Returns: `nil` when the path is not absolute, holds a `..` segment or a backslash, or is wrongly encoded:
    ///   such a path matches nothing.
    public static func segments(_ path: String) -> [String]? {
        guard path.utf8.first == UInt8(ascii: "/"), let decoded = percentDecoded(path),
            decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") })
        else { return nil }
        var segments: [String] = []
        for segment in decoded.split(separator: UInt8(ascii: "/")) {
            guard let text = String(validating: segment, as: UTF8.self), text != ".." else { return nil }
            if text != "." { segments.append(text) }
        }
        return segments
    }

    private static func percentDecoded(_ path: String) -> [UInt8]? {
        guard path.utf8.contains(UInt8(ascii: "%")) else { return Array(path.utf8) }
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let decoded = Hex.decode(utf8: rest.prefix(2)), decoded.count == 1 else { return nil }
            bytes.append(decoded[0])
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
