// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import HTTPTypes
public import Ledger

/// Who may scrape /metrics.
public struct MetricsAccess: Sendable {
    private let keyHash: [UInt8]?
    private let operators: OperatorAccess?
    private let isLoopbackFree: Bool

    /// Makes a rule.
    /// - Parameters:
    ///   - key: the API key, if there is one.
    ///   - operators: whose API keys with the scope `metrics:read` are accepted too.
    ///   - isLoopbackFree: whether this machine needs no key, as long as no proxy stands between.
    public init(key: String?, operators: OperatorAccess? = nil, isLoopbackFree: Bool) {
        keyHash = key.map { Array(SHA256.hash(data: Array($0.utf8))) }
        self.isLoopbackFree = isLoopbackFree
        self.operators = operators
    }

    /// Admits a request or says what is missing.
    func check(_ request: APIRequest) throws(APIError) {
        if isLoopbackFree, request.isLocal { return }
        guard let given = request.apiKey else {
            throw APIError(.unauthorized, "Send the API key as X-API-Key or Authorization: Bearer.")
        }
        // Hashes have one length, so the comparison tells nothing about the key's.
        let hash = Array(SHA256.hash(data: Array(given.utf8)))
        if let keyHash, constantTimeEqual(hash, keyHash) { return }
        guard operators?.identify(apiKey: given)?.scopes.contains(.metricsRead) == true else {
            throw APIError(.forbidden, "The API key is not valid.")
        }
    }
}

extension APIRequest {
    /// The operator's key, as `X-API-Key` or `Authorization: Bearer`.
    var apiKey: String? {
        let bearer = headers[.authorization].flatMap { value -> String? in
            value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : nil
        }
        return headers[.apiKey] ?? bearer
    }
}
