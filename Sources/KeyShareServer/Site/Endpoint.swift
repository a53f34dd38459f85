// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import KeyShareProtocol

/// Everything that a node answers.
enum Endpoint: Sendable, Hashable {
    case root
    case status
    case page
    case description
    case nodeKeys
    case metrics
    case share(KeyShareRoute)
    /// The three paths of Oko's operators, and ours.
    case administration(AdministratorAction, isOko: Bool)
    /// A backup of another node.
    case offsite

    /// All of them, in the order of the documentation.
    static let all: [Endpoint] =
        [.root, .status, .page, .description, .nodeKeys]
        + KeyShareRoute.allCases.filter { $0.authentication != .administrator }.map(Endpoint.share)
        + [.backup, .restore, .history].map { .administration($0, isOko: true) }
        + AdministratorAction.allCases.map { .administration($0, isOko: false) } + [.offsite, .metrics]

    /// The path, with names in braces for what differs.
    var template: String {
        switch self {
        case .root: "/"
        case .status: "/status"
        case .page: "/api_docs"
        case .description: "/api_docs/openapi.json"
        case .nodeKeys: "/node/v1/keys"
        case .metrics: "/metrics"
        case .share(let route): route.rawValue
        case .administration(.history, isOko: true): KeyShareRoute.backupHistory.rawValue
        case .administration(let action, isOko: true): "/pg_dump/v1/\(action.rawValue)"
        case .administration(let action, isOko: false): "/admin/v1/\(action.rawValue)"
        case .offsite: "/admin/v1/offsite/{node}/{name}"
        }
    }

    var method: HTTPRequest.Method {
        switch self {
        case .root, .status, .page, .description, .nodeKeys, .metrics: .get
        case .share, .administration: .post
        case .offsite: .put
        }
    }

    /// What a 405 says of the path.
    var allow: String { method == .get ? "GET, HEAD, OPTIONS" : "\(method.rawValue), OPTIONS" }

    /// Finds what a path means; a slash at the end makes no difference.
    init?(path: String) {
        guard !path.hasSuffix("//") else { return nil }
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if let known = Self.byPath[path] {
            self = known
        } else if let parts = Self.offsiteParts(path), !parts.node.isEmpty {
            self = .offsite
        } else {
            return nil
        }
    }

    /// Whose backup a path is, and its name.
    static func offsiteParts(_ path: String) -> (node: String, name: String)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0].isEmpty, parts[1] == "admin", parts[2] == "v1", parts[3] == "offsite",
            !parts[4].isEmpty, !parts[5].isEmpty
        else { return nil }
        return (parts[4], parts[5])
    }

    private static let byPath: [String: Endpoint] = Dictionary(
        uniqueKeysWithValues: all.filter { $0 != .offsite }.map { endpoint in
            let path = endpoint.template
            return (path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path, endpoint)
        }
    )
}

/// Where a request came in.
public enum KeyShareDoor: Sendable, Hashable {
    /// The node's own address, or the path on the gateway.
    case main
    /// The administrator's address.
    case administration
}
