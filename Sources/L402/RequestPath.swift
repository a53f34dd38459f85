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
        guard path.hasPrefix("/"), let decoded = percentDecoded(path), !decoded.contains("\\"),
            !decoded.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        let segments = decoded.split(separator: "/").map(String.init).filter { $0 != "." }
        return segments.contains("..") ? nil : segments
    }

    private static func percentDecoded(_ path: String) -> String? {
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
        return String(validating: bytes, as: UTF8.self)
    }
}
