// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import HTTPTypes

/// Who may scrape /metrics.
public struct MetricsAccess: Sendable {
    private let keyHash: [UInt8]?
    private let isLoopbackFree: Bool

    /// Makes a rule.
    /// - Parameters:
    ///   - key: the API key, if there is one.
    ///   - isLoopbackFree: whether this machine needs no key, as long as no proxy stands between.
    public init(key: String?, isLoopbackFree: Bool) {
        keyHash = key.map { Array(SHA256.hash(data: Array($0.utf8))) }
        self.isLoopbackFree = isLoopbackFree
    }

    /// Admits a request or says what is missing.
    func check(_ request: APIRequest) throws(APIError) {
        if isLoopbackFree, request.isLocal { return }
        let bearer = request.headers[.authorization].flatMap { value -> Substring? in
            value.lowercased().hasPrefix("bearer ") ? value.dropFirst(7) : nil
        }
        guard let given = request.headers[.apiKey].map({ $0[...] }) ?? bearer else {
            throw APIError(.unauthorized, "Send the API key as X-API-Key or Authorization: Bearer.")
        }
        // Hashes have one length, so the comparison tells nothing about the key's.
        let hash = Array(SHA256.hash(data: Array(given.utf8)))
        guard let keyHash, constantTimeEqual(hash, keyHash) else {
            throw APIError(.forbidden, "The API key is not valid.")
        }
    }
}
