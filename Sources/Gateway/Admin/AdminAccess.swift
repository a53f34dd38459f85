// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Ledger

/// Who may use the admin routes.
struct AdminAccess: Sendable {
    let operators: OperatorAccess

    /// The operator behind a request, if the API key has a scope.
    /// - Throws: ``APIError``: 401 without a key, 403 when the key is unknown or lacks the scope.
    func check(_ request: APIRequest, _ scope: OperatorScope) throws(APIError) -> OperatorIdentity {
        guard let key = request.apiKey else {
            throw APIError(.unauthorized, "Send an API key as X-API-Key or Authorization: Bearer.")
        }
        guard let identity = operators.identify(apiKey: key) else {
            throw APIError(.forbidden, "The API key is not valid, has expired or was revoked.")
        }
        guard identity.scopes.contains(scope) else {
            throw APIError(
                .forbidden,
                "The API key does not have the scope \(scope.rawValue).",
                details: ["scope": scope.rawValue]
            )
        }
        return identity
    }
}
