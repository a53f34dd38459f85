// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The form of a URL under which evidence about it is kept.
///
/// Lower-case scheme and host; no default port, user information, query, fragment or trailing slashes; percent triplets
/// of unreserved characters decoded, the others in upper case (RFC 3986 sections 2.3 and 6.2.2).
public struct CanonicalURL: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Makes the form, or returns `nil` unless the text is an absolute http or https URL.
    public init?(_ text: String) {
        guard let separator = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = text[separator.upperBound...].prefix { $0 != "?" && $0 != "#" }
        let authority = rest.prefix { $0 != "/" }
        guard let host = Self.host(authority, defaultPort: scheme == "http" ? "80" : "443"),
            var path = Self.path(rest.dropFirst(authority.count))
        else { return nil }
        while path.hasSuffix("/") { path.removeLast() }
        description = "\(scheme)://\(host)\(path.isEmpty ? "/" : path)"
    }

    private static func host(_ authority: Substring, defaultPort: String) -> String? {
        let afterUser = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let colon = afterUser.lastIndex(of: ":").flatMap { afterUser[$0...].contains("]") ? nil : $0 }
        let name = colon.map { afterUser[..<$0] } ?? afterUser
        let port = colon.map { afterUser[afterUser.index(after: $0)...] } ?? ""
        let isName = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%") }
        guard !name.isEmpty, isName, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return name.lowercased() + (port.isEmpty || port == defaultPort ? "" : ":\(port)")
    }

    private static func path(_ path: Substring) -> String? {
        var result: [UInt8] = []
        var bytes = path.utf8[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard let high = bytes.popFirst().flatMap(hexDigit), let low = bytes.popFirst().flatMap(hexDigit) else {
                return nil
            }
            let value = high << 4 | low
            if isUnreserved(value) {
                result.append(value)
            } else {
                let digits = String(value, radix: 16, uppercase: true)
                result += Array("%\(value < 16 ? "0" : "")\(digits)".utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).isASCII ? Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) } : nil
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
