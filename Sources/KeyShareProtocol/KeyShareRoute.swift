// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import CommitReveal

/// The routes of a key share node that take a body.
public enum KeyShareRoute: String, Sendable, Hashable, CaseIterable {
    case registerV1 = "/keyshare/v1/register"
    case getV1 = "/keyshare/v1/"
    case checkV1 = "/keyshare/v1/check"
    case reshareV1 = "/keyshare/v1/reshare"
    case getV2 = "/keyshare/v2/"
    case checkV2 = "/keyshare/v2/check"
    case registerV2 = "/keyshare/v2/register"
    case registerEd25519V2 = "/keyshare/v2/register/ed25519"
    case reshareV2 = "/keyshare/v2/reshare"
    case reshareRegisterV2 = "/keyshare/v2/reshare/register"
    case commitV2 = "/keyshare/v2/commit"
    case commitV3 = "/keyshare/v3/commit"
    case getV3 = "/keyshare/v3/get"
    case checkV3 = "/keyshare/v3/check"
    case registerV3 = "/keyshare/v3/register"
    case reshareRegisterV3 = "/keyshare/v3/reshare_register"
    case deleteV3 = "/keyshare/v3/delete"
    case listV3 = "/keyshare/v3/list"
    case refreshPrepareV3 = "/keyshare/v3/refresh/prepare"
    case refreshCommitV3 = "/keyshare/v3/refresh/commit"
    case refreshAbortV3 = "/keyshare/v3/refresh/abort"
    case backup = "/pg_dump/v1/backup"
    case restore = "/pg_dump/v1/restore"
    case backupHistory = "/pg_dump/v1/get_backup_history"

    /// Finds a route; a slash at the end makes no difference.
    public init?(path: some StringProtocol) {
        let path = path.hasSuffix("/") ? String(path.dropLast()) : String(path)
        guard let route = Self.byPath[path] else { return nil }
        self = route
    }

    private static let byPath: [String: KeyShareRoute] = Dictionary(
        uniqueKeysWithValues: allCases.map { route in
            (route.rawValue.hasSuffix("/") ? String(route.rawValue.dropLast()) : route.rawValue, route)
        }
    )

    /// Who must have logged in.
    public enum Authentication: Sendable, Hashable {
        case none
        /// A Bearer, with a session around it where there is one.
        case bearer
        /// A session of version 3, whose calls carry the token sealed.
        case session
        /// The administrator's password.
        case administrator
    }

    public var authentication: Authentication {
        switch self {
        case .checkV1, .checkV2, .commitV2, .commitV3: .none
        case .registerV1, .getV1, .reshareV1, .getV2, .registerV2, .registerEd25519V2, .reshareV2, .reshareRegisterV2:
            .bearer
        case .getV3, .checkV3, .registerV3, .reshareRegisterV3, .deleteV3, .listV3, .refreshPrepareV3,
            .refreshCommitV3, .refreshAbortV3:
            .session
        case .backup, .restore, .backupHistory: .administrator
        }
    }

    /// The call of a session that the route is; `nil` where sessions are not known.
    public var api: KeyShareAPI? {
        switch self {
        case .getV2, .getV3: .getKeyShares
        case .registerV2, .registerV3: .register
        case .registerEd25519V2: .registerEd25519
        case .reshareV2: .reshare
        case .reshareRegisterV2, .reshareRegisterV3: .reshareRegister
        case .checkV3: .check
        case .deleteV3: .delete
        case .listV3: .list
        case .refreshPrepareV3: .refreshPrepare
        case .refreshCommitV3: .refreshCommit
        case .refreshAbortV3: .refreshAbort
        case .registerV1, .getV1, .checkV1, .reshareV1, .checkV2, .commitV2, .commitV3, .backup, .restore,
            .backupHistory:
            nil
        }
    }
}
