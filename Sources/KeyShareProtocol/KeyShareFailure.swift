// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import CommitReveal
public import KeyShares

/// Why a key share node refuses: the member `code` of its answer, which clients rely on.
public enum KeyShareFailureCode: String, Error, Sendable, Hashable, CaseIterable, Codable {
    case unknownError = "UNKNOWN_ERROR"
    case invalidRequest = "INVALID_REQUEST"
    case unauthorized = "UNAUTHORIZED"
    case userNotFound = "USER_NOT_FOUND"
    case walletNotFound = "WALLET_NOT_FOUND"
    case keyShareNotFound = "KEY_SHARE_NOT_FOUND"
    case duplicatePublicKey = "DUPLICATE_PUBLIC_KEY"
    case userAlreadyRegistered = "USER_ALREADY_REGISTERED"
    case publicKeyInvalid = "PUBLIC_KEY_INVALID"
    case shareInvalid = "SHARE_INVALID"
    case curveTypeNotSupported = "CURVE_TYPE_NOT_SUPPORTED"
    case reshareFailed = "RESHARE_FAILED"
    case dumpFailed = "PG_DUMP_FAILED"
    case restoreFailed = "PG_RESTORE_FAILED"
    case invalidDays = "INVALID_DAYS"
    case invalidDumpPath = "INVALID_DUMP_PATH"
    case invalidDumpFile = "INVALID_DUMP_FILE"
    case dumpFileAccessError = "DUMP_FILE_ACCESS_ERROR"
    case dumpFileNotFound = "DUMP_FILE_NOT_FOUND"
    case rateLimitExceeded = "RATE_LIMIT_EXCEEDED"
    case sessionAlreadyExists = "SESSION_ALREADY_EXISTS"
    case sessionNotFound = "SESSION_NOT_FOUND"
    case sessionExpired = "SESSION_EXPIRED"
    case invalidSignature = "INVALID_SIGNATURE"
    // Ours.
    case epochConflict = "EPOCH_CONFLICT"
    case providerUnavailable = "PROVIDER_UNAVAILABLE"
    case nodeSealed = "NODE_SEALED"
    case paymentRequired = "PAYMENT_REQUIRED"
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    case notFound = "NOT_FOUND"
    case payloadTooLarge = "PAYLOAD_TOO_LARGE"
    case unsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"

    /// The status of the HTTP answer.
    public var status: Int {
        switch self {
        case .invalidRequest, .publicKeyInvalid, .shareInvalid, .curveTypeNotSupported, .invalidDays, .invalidDumpPath,
            .invalidDumpFile, .dumpFileAccessError, .dumpFileNotFound, .invalidSignature:
            400
        case .unauthorized: 401
        case .paymentRequired: 402
        case .userNotFound, .walletNotFound, .keyShareNotFound, .sessionNotFound, .notFound: 404
        case .methodNotAllowed: 405
        case .duplicatePublicKey, .userAlreadyRegistered, .sessionAlreadyExists, .reshareFailed, .epochConflict: 409
        case .sessionExpired: 410
        case .payloadTooLarge: 413
        case .unsupportedMediaType: 415
        case .rateLimitExceeded: 429
        case .unknownError, .dumpFailed, .restoreFailed: 500
        case .providerUnavailable, .nodeSealed: 503
        }
    }
}

/// A refusal of a key share node, with a sentence for people.
public struct KeyShareFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public let code: KeyShareFailureCode
    /// For people; never names files, statements of SQL or other users.
    public let message: String
    /// Seconds until the same call may be made again; `nil` when waiting does not help.
    public let retryAfter: Int?

    public init(_ code: KeyShareFailureCode, _ message: String) {
        self.init(code, message, retryAfter: nil)
    }

    private init(_ code: KeyShareFailureCode, _ message: String, retryAfter: Int?) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// More calls than are allowed in some seconds.
    public init(tooManyWithin seconds: Int) {
        self.init(
            .rateLimitExceeded,
            "Too many requests, please try again after \(seconds) seconds",
            retryAfter: seconds
        )
    }

    /// A share, key or epoch that is refused.
    public init(_ error: KeyShareError) {
        let code: KeyShareFailureCode =
            switch error {
            case .publicKeyLength, .publicKeyInvalid: .publicKeyInvalid
            case .epochConflict: .epochConflict
            case .shareLength, .shareOutOfRange, .commitmentInvalid, .commitmentMismatch, .thresholdOutOfRange,
                .duplicateNode, .mixedShares, .zeroResult:
                .shareInvalid
            }
        self.init(code, error.description)
    }

    /// A commitment or a call of a session that is refused.
    public init(_ failure: CommitRevealFailure) {
        let code: KeyShareFailureCode =
            switch failure {
            case .missingFields, .malformedSessionID, .notCommitted, .notAllowed, .tokenMismatch, .malformedCommitment,
                .sealedTokenInvalid:
                .invalidRequest
            case .sessionNotFound: .sessionNotFound
            case .expired: .sessionExpired
            case .malformedSignature, .wrongSignature: .invalidSignature
            case .missingToken: .unauthorized
            case .repeated, .sessionExists: .sessionAlreadyExists
            }
        self.init(code, failure.description)
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
