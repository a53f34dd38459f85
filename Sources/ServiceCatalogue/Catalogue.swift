// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import L402
internal import YAML

/// The services behind the gate, as one file says it.
public struct Catalogue: Sendable {
    /// A route with its service, in the order in which they are tried.
    struct Entry: Sendable {
        let service: CatalogueService
        let route: CatalogueRoute
    }

    public let services: [CatalogueService]
    /// What answers for a host that a service names, for everything below one, and for all others.
    private let exact: [String: [Entry]]
    private let below: [(suffix: String, entries: [Entry])]
    private let open: [Entry]

    /// A catalogue that answers nothing.
    public static let empty = Catalogue(services: [])

    init(services: [CatalogueService]) {
        self.services = services
        var exact: [String: [Entry]] = [:]
        var below: [String: [Entry]] = [:]
        var open: [Entry] = []
        for service in services {
            let entries = service.routes.map { Entry(service: service, route: $0) }
            if service.hosts.isEmpty { open += entries }
            for host in service.hosts {
                if host.isWildcard {
                    below[host.name, default: []] += entries
                } else {
                    exact[host.name, default: []] += entries
                }
            }
        }
        self.exact = exact.mapValues(Self.inOrder)
        self.below = below.map { (".\($0.key)", Self.inOrder($0.value)) }.sorted { $0.suffix.count > $1.suffix.count }
        self.open = Self.inOrder(open)
    }

    private static func inOrder(_ entries: [Entry]) -> [Entry] {
        entries.sorted { $0.route.pattern.isMoreSpecific(than: $1.route.pattern) }
    }

    /// Whether a service names this host, so that the host belongs to services alone.
    ///
    /// - Parameter authority: the request's `Host`.
    public func claims(authority: String?) -> Bool { scope(authority).isClaimed }

    /// Finds what answers a request.
    ///
    /// - Parameters:
    ///   - authority: the request's `Host`; `nil` when it has none.
    ///   - method: upper case.
    ///   - path: as received, without the query.
    public func match(authority: String?, method: String, path: String) -> CatalogueMatch {
        guard let segments = RequestPath.segments(path) else { return .badPath }
        let candidates = scope(authority).entries.filter { $0.route.pattern.matches(segments) }
        guard !candidates.isEmpty else { return .none }
        if let entry = candidates.first(where: { $0.route.methods.contains(method) }) {
            return .found(.init(entry, segments: segments, path: path))
        }
        if method == "HEAD", let entry = candidates.first(where: { $0.route.methods.contains("GET") }) {
            return .found(.init(entry, segments: segments, path: path))
        }
        var allowed = Set(candidates.flatMap(\.route.methods.names))
        if allowed.contains("GET") { allowed.insert("HEAD") }
        return .methodNotAllowed(allow: (allowed.union(["OPTIONS"])).sorted())
    }

    private func scope(_ authority: String?) -> (entries: [Entry], isClaimed: Bool) {
        guard let authority else { return (open, false) }
        let host = HostPattern.host(ofAuthority: authority)
        if let entries = exact[host] { return (entries, true) }
        if let match = below.first(where: { host.hasSuffix($0.suffix) }) { return (match.entries, true) }
        return (open, false)
    }
}
