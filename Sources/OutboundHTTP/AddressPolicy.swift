// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses

/// Which addresses may be connected to: those of the public internet, and what the operator adds.
public struct AddressPolicy: Sendable {
    /// Networks that are allowed whatever they are.
    public var allowed: [IPNetwork]
    /// Addresses of this machine, however public.
    public var own: Set<IPAddress>

    /// - Parameters:
    ///   - allowed: for tests and private deployments; empty in production.
    ///   - own: see ``OwnAddresses``.
    public init(allowed: [IPNetwork] = [], own: Set<IPAddress> = []) {
        self.allowed = allowed
        self.own = own
    }

    /// Whether an address may be connected to.
    public func allows(_ address: IPAddress) -> Bool {
        if allowed.contains(where: { $0.contains(address) }) { return true }
        if own.contains(address) { return false }
        guard !address.isIPv4 else { return !Self.special.contains { $0.contains(address) } }
        // With NAT64 every IPv4 service has such an address (RFC 6052); what counts is where it leads.
        if Self.translated.contains(where: { $0.contains(address) }),
            let inner = IPAddress(bytes: Array(address.bytes.suffix(4)))
        {
            return allows(inner)
        }
        return Self.global.contains { $0.contains(address) } && !Self.special.contains { $0.contains(address) }
    }

    /// Whether a port is one that web services use: none that other servers on the same address listen on.
    public func allows(port: Int) -> Bool {
        (port == 80 || port == 443 || (1024...65_535).contains(port)) && !Self.otherServers.contains(port)
    }

    private static func networks(_ texts: [String]) -> [IPNetwork] { texts.compactMap { IPNetwork($0) } }

    /// What is not globally reachable, by the IANA registries of special-purpose addresses (RFC 6890).
    static let special = networks([
        "0.0.0.0/8",  // this network
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  // private
        "100.64.0.0/10",  // shared by carriers (CGNAT)
        "127.0.0.0/8",  // loopback
        "169.254.0.0/16",  // link-local, metadata of clouds
        "192.0.0.0/24",  // IETF protocols
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  // documentation
        "192.88.99.0/24",  // 6to4 relays
        "198.18.0.0/15",  // benchmarks
        "224.0.0.0/4", "240.0.0.0/4",  // multicast, reserved, broadcast
        "2001::/23",  // IETF protocols: Teredo, ORCHID, benchmarks
        "2001:db8::/32", "3fff::/20",  // documentation
        "2002::/16",  // 6to4
    ])

    /// The only block of IPv6 that is handed out.
    ///
    /// Loopback, mapped, link-local, unique local, multicast and the local
    /// NAT64 block (64:ff9b:1::/48) lie outside.
    private static let global = networks(["2000::/3"])
    private static let translated = networks(["64:ff9b::/96"])

    private static let otherServers: Set<Int> = [
        1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000,
        6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 8332, 8333, 9042, 9200, 9300, 9735, 10_009, 10_080,
        11_211, 27_017,
    ]
}
