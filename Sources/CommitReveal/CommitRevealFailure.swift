// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a commitment or a call is refused.
public enum CommitRevealFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The session's id and the signature come together.
    case missingFields
    /// Not a UUID.
    case malformedSessionID
    case sessionNotFound
    /// The session is completed or expired.
    case notCommitted
    case expired
    case notAllowed(KeyShareAPI, OperationType)
    /// Not 128 hexadecimal digits.
    case malformedSignature
    case missingToken
    /// The token is not the one that was committed to.
    case tokenMismatch
    case wrongSignature
    /// The call was made before in this session, or the signature was used before.
    case repeated
    /// The id, the key or the token's hash was used for a session before.
    case sessionExists
    /// A field of the commitment is out of form.
    case malformedCommitment(String)
    /// The sealed token does not open with the session's key.
    case sealedTokenInvalid

    public var description: String {
        switch self {
        case .missingFields: "cr_session_id and cr_signature are required"
        case .malformedSessionID: "the session id is not a UUID"
        case .sessionNotFound: "session not found"
        case .notCommitted: "session is not in COMMITTED state"
        case .expired: "session has expired"
        case .notAllowed(let api, let operation):
            "'\(api.rawValue)' is not allowed for operation type '\(operation.rawValue)'"
        case .malformedSignature: "the signature is not 128 hexadecimal digits"
        case .missingToken: "Authorization header with Bearer token required"
        case .tokenMismatch: "id_token_hash mismatch"
        case .wrongSignature: "the signature is not the client key's"
        case .repeated: "the call was already made in this session"
        case .sessionExists: "the session id, the client key or the token hash was already used"
        case .malformedCommitment(let field): "'\(field)' has a wrong form"
        case .sealedTokenInvalid: "enc_token does not open with the session's key"
        }
    }
}
