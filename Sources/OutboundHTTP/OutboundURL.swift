// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses

/// An absolute http or https URL, taken apart strictly, as it may stand in a directory or a stranger's request.
///
/// Readers of URLs disagree about odd forms, and an address that one of them checks and another one connects to is how
/// internal services are reached from outside. So odd forms are refused: white space, controls, backslashes, user
/// information, zones, and numbers that are no dotted decimal address.
public struct OutboundURL: Sendable, Hashable, CustomStringConvertible {
    /// What follows the scheme.
    public enum Host: Sendable, Hashable {
        case address(IPAddress)
        /// Lower case, without a trailing dot.
        case name(String)
    }

    public let isSecure: Bool
    public let host: Host
    public let port: Int
    /// Path and query, beginning with `/`.
    public let target: String

    /// The most bytes a URL may have.
    public static let longest = 2048

    /// Reads a URL; a fragment is dropped.
    /// - Throws: ``OutboundRefusal``.
    public init(_ text: String) throws(OutboundRefusal) {
        guard text.utf8.count <= Self.longest else { throw .badURL("longer than \(Self.longest) bytes") }
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
        guard isPlain else { throw .badURL("white space, a backslash or bytes that are not ASCII") }
        guard let separator = text.firstRange(of: "://") else { throw .badURL("no scheme") }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { throw .badURL("the scheme is neither http nor https") }
        isSecure = scheme == "https"
        let rest = text[separator.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw .badURL("user information") }
        let (name, port) = try Self.split(authority)
        self.port = port ?? (scheme == "https" ? 443 : 80)
        host = try Self.host(name)
        let target = rest.dropFirst(authority.count)
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    private static func split(_ authority: Substring) throws(OutboundRefusal) -> (Substring, Int?) {
        let end = authority.lastIndex(of: "]").map { authority.index(after: $0) } ?? authority.startIndex
        guard let colon = authority[end...].firstIndex(of: ":") else { return (authority, nil) }
        let digits = authority[authority.index(after: colon)...]
        guard !digits.isEmpty else { return (authority[..<colon], nil) }
        guard digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            (1...65_535).contains(port)
        else { throw .badURL("the port is no number from 1 to 65535") }
        return (authority[..<colon], port)
    }

    private static func host(_ text: Substring) throws(OutboundRefusal) -> Host {
        if text.hasPrefix("[") {
            guard text.hasSuffix("]"), let address = IPAddress(text.dropFirst().dropLast()) else {
                throw .badURL("no IPv6 address between brackets")
            }
            return .address(address)
        }
        let name = (text.hasSuffix(".") ? text.dropLast() : text).lowercased()
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard !name.isEmpty, name.utf8.count <= 253, labels.allSatisfy(isLabel), let last = labels.last else {
            throw .badURL("no host name")
        }
        // What ends in a number is an address to some readers, whatever else stands in it.
        if last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) || last.hasPrefix("0x") {
            guard let address = IPAddress(name), address.isIPv4, address.description == name else {
                throw .badURL("a number that is no dotted decimal address")
            }
            return .address(address)
        }
        return .name(name)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The host as it stands in a URL.
    public var hostText: String {
        switch host {
        case .name(let name): name
        case .address(let address): address.isIPv4 ? address.description : "[\(address)]"
        }
    }

    /// Host and port, the port only where it is not the scheme's own.
    public var authority: String { port == (isSecure ? 443 : 80) ? hostText : "\(hostText):\(port)" }

    /// The URL as it is asked for.
    public var description: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }
}

/// Why a URL is not asked at all: for everybody to see, so it tells nothing of what a name resolves to here.
public enum OutboundRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    case badURL(String)
    case port(Int)
    /// The host's address is not one of the public internet.
    case address

    public var description: String {
        switch self {
        case .badURL(let why): "the URL is not accepted: \(why)"
        case .port(let port): "port \(port) is not asked"
        case .address: "the address is not one of the public internet"
        }
    }
}
