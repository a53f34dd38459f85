// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
public import IPAddresses

/// Finds out who a request is from.
public struct ClientAddressRule: Sendable {
    /// Networks whose `X-Forwarded-For` is believed.
    public let trustedProxies: [IPNetwork]

    public init(trustedProxies: [IPNetwork]) { self.trustedProxies = trustedProxies }

    /// The client's address: the socket's peer, or the nearest untrusted hop if the peer is a trusted proxy.
    package func client(peer: IPAddress?, headers: HTTPFields) -> IPAddress? {
        guard let peer, isTrusted(peer) else { return peer }
        let hops = headers[values: .xForwardedFor].flatMap { $0.split(separator: ",") }
        for hop in hops.reversed() {
            // Something unreadable in the chain: what stands before it cannot be believed.
            guard let address = IPAddress(hop.trimmingPrefix { $0 == " " }) else { return peer }
            if !isTrusted(address) { return address }
        }
        return peer
    }

    /// Whether the socket's peer is a proxy that is believed.
    package func isFromTrustedProxy(_ peer: IPAddress?) -> Bool { peer.map(isTrusted) ?? false }

    private func isTrusted(_ address: IPAddress) -> Bool { trustedProxies.contains { $0.contains(address) } }

    /// Whether the request came through a proxy, whoever says so.
    package static func isForwarded(_ headers: HTTPFields) -> Bool {
        [HTTPField.Name.xForwardedFor, .xRealIP, .forwarded, .via].contains { headers[$0] != nil }
    }
}

extension HTTPField.Name {
    private static func custom(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a field name") }
        return field
    }

    /// The hops of a request, the last proxy's word last.
    package static let xForwardedFor = custom("X-Forwarded-For")
    package static let xRealIP = custom("X-Real-IP")
    /// RFC 7239.
    package static let forwarded = custom("Forwarded")
}
