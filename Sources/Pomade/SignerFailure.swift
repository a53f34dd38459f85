// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a signer refused: the member `code` of its answer, which programs may rely on.
public enum FailureCode: String, Sendable, Hashable, CaseIterable, Codable {
    case authFailed = "auth_failed"
    case badRequest = "bad_request"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case badJSON = "bad_json"
    case tooLarge = "too_large"
    case throttled
    case internalError = "internal"
    case keyReused = "key_reused"
    case powRequired = "pow_required"
    case badThreshold = "bad_threshold"
    case badGroup = "bad_group"
    case badShare = "bad_share"
    case tooManySessions = "too_many_sessions"
    case noSession = "no_session"
    case deactivated
    case recoveryDisabled = "recovery_disabled"
    case tooLate = "too_late"
    case recoveryAlreadySet = "recovery_already_set"
    case busy
    case noSessions = "no_sessions"
    case noLogin = "no_login"
    case noRecovery = "no_recovery"
    case badSelection = "bad_selection"
    case sessionGone = "session_gone"
    case recoveryPending = "recovery_pending"
    case rateLimited = "rate_limited"
    case badMembers = "bad_members"
    case commitGone = "commit_gone"
    case membersMismatch = "members_mismatch"
    case badPnonces = "bad_pnonces"
    case nonceMismatch = "nonce_mismatch"
    case badSessionID = "bad_session_id"
    case signFailed = "sign_failed"
    case badECDHKey = "bad_ecdh_key"
    case policyDenied = "policy_denied"

    /// The status of the HTTP answer.
    ///
    /// Failures of the application are 200: clients of the protocol discard every other answer unread.
    public var status: Int {
        switch self {
        case .badJSON: 400
        case .methodNotAllowed: 405
        case .tooLarge: 413
        case .throttled: 429
        case .internalError: 500
        default: 200
        }
    }
}

/// A refusal of a signer, with a sentence for people.
public struct SignerFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public let code: FailureCode
    /// For people; says what can be done, never what the signer keeps secret.
    public let message: String
    /// Unix seconds from which on the same request can succeed (`recovery_pending`).
    public let availableAt: Int64?
    /// Seconds to wait (`throttled`).
    public let retryAfter: Int?

    public init(_ code: FailureCode, _ message: String, availableAt: Int64? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.message = message
        self.availableAt = availableAt
        self.retryAfter = retryAfter
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
