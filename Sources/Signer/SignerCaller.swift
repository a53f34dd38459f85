// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses
public import Pomade

/// Who asks: the key that signed the request, and what else of the request matters.
public struct SignerCaller: Sendable {
    /// The client's key, or the user's, as the route wants.
    public let key: Hex32
    /// Whether the request carries the work that a registration needs.
    public let hasWork: Bool
    /// The network it came from: an IPv4 /24 or IPv6 /56.
    public let source: IPNetwork?
    /// SHA-256 of the body.
    public let bodyDigest: [UInt8]
    /// The signer's name that the caller used.
    public let url: String

    public init(key: Hex32, hasWork: Bool, source: IPNetwork?, bodyDigest: [UInt8], url: String) {
        self.key = key
        self.hasWork = hasWork
        self.source = source
        self.bodyDigest = bodyDigest
        self.url = url
    }
}
