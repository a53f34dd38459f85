// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Compares URLs as NIP-98 needs it: byte by byte, and else with scheme, host and default port evened out.
enum URLText {
    static func areSame(_ left: String, _ right: String) -> Bool {
        // Not ==, under which differently composed accents are equal.
        if left.utf8.elementsEqual(right.utf8) { return true }
        guard let left = normalised(left), let right = normalised(right) else { return false }
        return left == right
    }

    /// The bytes with ASCII letters in lower case.
    static func lowercased(_ text: String) -> [UInt8] { text.utf8.map(lowercased) }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// The URL with scheme and host in lower case and without a default port; `nil` when there is no host.
    static func normalised(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            return nil
        }
        let start = colon + 3
        let end = bytes[start...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.endIndex
        let scheme = bytes[..<colon].map(lowercased)
        var authority = bytes[start..<end].map(lowercased)
        // A user's name keeps its case: whoever sends one is compared byte by byte only.
        guard !authority.isEmpty, !authority.contains(UInt8(ascii: "@")) else { return nil }
        let port: String? =
            scheme.elementsEqual("https".utf8) ? ":443" : scheme.elementsEqual("http".utf8) ? ":80" : nil
        if let port, authority.count > port.utf8.count, authority.suffix(port.utf8.count).elementsEqual(port.utf8) {
            authority.removeLast(port.utf8.count)
        }
        return scheme + "://".utf8 + authority + bytes[end...]
    }
}
