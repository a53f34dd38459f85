// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// `host:port`, with an IPv6 address in brackets.
public enum HostPort {
    /// The parts; nil when the text is none.
    ///
    /// A zone of an IPv6 address is refused: it means nothing elsewhere.
    public static func split(_ text: String) -> (host: String, port: UInt16)? {
        guard text.utf8.count <= 262, let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), host.utf8.allSatisfy({ isAddressByte($0) }) else { return nil }
        } else {
            guard !host.isEmpty, host.utf8.allSatisfy({ isNameByte($0) }) else { return nil }
        }
        return (String(host), port)
    }

    public static func join(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        (0x30...0x3a).contains(byte) || (0x61...0x66).contains(byte | 0x20) || byte == 0x2e
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2d || byte == 0x2e
            || byte == 0x5f
    }
}
