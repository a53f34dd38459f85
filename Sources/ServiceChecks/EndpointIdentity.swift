// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import TrustScore

/// What evidence about a URL is kept under.
///
/// Two URLs that differ in their query share the compatible hash, so the second of them to be known is kept under the
/// form with its query, sorted.
public struct EndpointIdentity: Sendable, Hashable {
    /// The canonical URL without query.
    public let canonical: CanonicalURL
    /// The query's parts, sorted; empty without a query.
    public let query: String

    /// Returns `nil` unless the text is an absolute http or https URL of at most 500 bytes.
    public init?(_ url: String) {
        guard url.utf8.count <= Self.longest, let canonical = CanonicalURL(url) else { return nil }
        self.canonical = canonical
        let withoutFragment = url.prefix { $0 != "#" }
        let parts = withoutFragment.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = parts.count == 2 ? parts[1].split(separator: "&").sorted().joined(separator: "&") : ""
    }

    /// The most bytes a URL may have.
    public static let longest = 500

    /// SHA-256 of the canonical URL: SatRank's hash, 32 bytes.
    public var hash: [UInt8] { Array(SHA256.hash(data: Array(canonical.description.utf8))) }

    /// What the URL is kept under when another query was there first: SHA-256 of the canonical URL, `?` and the query.
    public var alternateHash: [UInt8] { Array(SHA256.hash(data: Array("\(canonical)?\(query)".utf8))) }

    /// The host in lower case, with its port when it is not the scheme's own.
    public var host: String {
        let text = canonical.description
        guard let separator = text.firstRange(of: "://") else { return "" }
        return String(text[separator.upperBound...].prefix { $0 != "/" })
    }

    /// Whether the URL has parts to be filled in, such as `{ip}`.
    public static func isTemplate(_ url: String) -> Bool {
        url.contains("{") || url.contains("}") || url.lowercased().contains("%7b") || url.contains("/:")
    }
}
