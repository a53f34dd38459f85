// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a session was opened for.
public enum OperationType: String, Sendable, Hashable, CaseIterable, Codable {
    case signIn = "sign_in"
    case signUp = "sign_up"
    case signInReshare = "sign_in_reshare"
    case registerReshare = "register_reshare"
    case addEd25519 = "add_ed25519"
    // From version 3 on.
    case refresh
    case delete
    case list

    /// Whether clients of version 2 know it.
    public var isInVersion2: Bool {
        switch self {
        case .signIn, .signUp, .signInReshare, .registerReshare, .addEd25519: true
        case .refresh, .delete, .list: false
        }
    }

    /// The calls that a session of version 2 may make, in the usual order.
    public var allowedAPIs: [KeyShareAPI] {
        switch self {
        case .signIn: [.getKeyShares]
        case .signUp: [.register]
        case .signInReshare: [.getKeyShares, .reshare]
        case .registerReshare: [.getKeyShares, .reshareRegister]
        case .addEd25519: [.registerEd25519, .getKeyShares]
        case .refresh: [.getKeyShares, .refreshPrepare, .refreshCommit, .refreshAbort]
        case .delete: [.delete]
        case .list: [.list]
        }
    }

    /// Whether a call ends the session.
    public func ends(with api: KeyShareAPI) -> Bool {
        switch self {
        // What was prepared is committed or given up, by two calls in either case.
        case .refresh: api == .refreshCommit || api == .refreshAbort
        default: api == allowedAPIs.last
        }
    }

    /// Whether a session may make a call.
    ///
    /// Version 3 adds `check` and `list` to every session: they show its user nothing that the others do not.
    public func allows(_ api: KeyShareAPI, in version: ProtocolVersion) -> Bool {
        guard version == .v3 || isInVersion2 else { return false }
        if allowedAPIs.contains(api) { return true }
        return version == .v3 && (api == .check || api == .list)
    }
}

/// The calls that a session makes, by the names that are signed.
public enum KeyShareAPI: String, Sendable, Hashable, CaseIterable, Codable {
    case getKeyShares = "get_key_shares"
    case register
    case registerEd25519 = "register_ed25519"
    case reshare
    case reshareRegister = "reshare_register"
    // From version 3 on.
    case check
    case list
    case delete
    case refreshPrepare = "refresh_prepare"
    case refreshCommit = "refresh_commit"
    case refreshAbort = "refresh_abort"
}

/// How a session's calls are signed.
public enum ProtocolVersion: Int, Sendable, Hashable, CaseIterable, Codable {
    /// SHA-256 over joined texts, with the token in clear.
    case v2 = 2
    /// Lines that bind the node and the body, with the token sealed.
    case v3 = 3
}
