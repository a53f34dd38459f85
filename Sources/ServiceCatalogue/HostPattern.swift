// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The hosts a service answers for: a name, or `*.name` for everything below it.
public struct HostPattern: Sendable, Hashable, CustomStringConvertible {
    /// Lower case, without `*.` and port.
    public let name: String
    public let isWildcard: Bool

    /// Reads a pattern, or returns `nil` when it is not a host name.
    public init?(_ text: some StringProtocol) {
        let isWildcard = text.hasPrefix("*.")
        let name = (isWildcard ? text.dropFirst(2) : text[...]).lowercased()
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isName, (1...253).contains(name.utf8.count), !name.hasPrefix("."), !name.hasSuffix("."),
            !name.contains("..")
        else { return nil }
        self.name = name
        self.isWildcard = isWildcard
    }

    public var description: String { isWildcard ? "*.\(name)" : name }

    /// The host of a request's authority: lower case, without port and final dot.
    public static func host(ofAuthority authority: some StringProtocol) -> String {
        var host = authority.lowercased()
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<end])
        }
        if let colon = host.lastIndex(of: ":") { host = String(host[..<colon]) }
        if host.hasSuffix(".") { host.removeLast() }
        return host
    }
}
