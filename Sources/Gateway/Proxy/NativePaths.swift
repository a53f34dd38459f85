// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The paths of the route table, for telling which requests are ours before they are routed.
struct NativePaths: Sendable {
    /// Segments of each pattern; `nil` for a parameter.
    private let patterns: [Int: [[String?]]]

    init(_ routes: [APIRoute]) {
        let patterns = routes.map { route in
            route.path.split(separator: "/").map { $0.hasPrefix("{") && $0.hasSuffix("}") ? nil : String($0) }
        }
        self.patterns = Dictionary(grouping: Set(patterns), by: \.count)
    }

    /// Whether a route answers the path, by the router's own reading of it: split at `/`, nothing decoded.
    func contains(_ path: String) -> Bool {
        let segments = path.split(separator: "/")
        return patterns[segments.count, default: []].contains { pattern in
            zip(pattern, segments).allSatisfy { part, segment in part.map { $0 == segment } ?? true }
        }
    }
}
