// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses

/// What somebody has to pay for to get another one: the part of a host that limits are counted by.
///
/// Subdomains, ports and the addresses of one network cost nothing, so they count as one. Of a name it is the last two
/// labels, or three where the second to last says what sort of names stand below it, as in `example.co.uk`. That needs no
/// list of public suffixes; sites of one hosting company share its name, which only makes limits stricter for them. Of an
/// address it is the network that is usually given to one customer: /24 for IPv4, /48 for IPv6.
public struct RegistrableDomain: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Second-level labels under which countries' registries sell names.
    private static let sorts: Set<String> = [
        "ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "id", "info", "ltd", "me", "mil", "ne", "net",
        "nom",
        "or", "org", "plc", "sch",
    ]

    /// Finds the domain of a host, which may have a port.
    public init(host: String) {
        let name = Self.withoutPort(host)
        if let address = IPAddress(name) {
            description = address.network(v4: 24, v6: 48).description
            return
        }
        let labels = name.lowercased().split(separator: ".")
        guard labels.count > 2 else {
            description = labels.joined(separator: ".")
            return
        }
        let isSorted = labels[labels.count - 1].utf8.count == 2 && Self.sorts.contains(String(labels[labels.count - 2]))
        description = labels.suffix(isSorted ? 3 : 2).joined(separator: ".")
    }

    private static func withoutPort(_ host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<end])
        }
        // More than one colon is an IPv6 address without brackets.
        guard let colon = host.firstIndex(of: ":"), colon == host.lastIndex(of: ":") else { return host }
        return String(host[..<colon])
    }
}
