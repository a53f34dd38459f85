// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A provider's keys, fetched when they are needed and kept for a while.
///
/// Keys are fresh for 5 minutes. When the provider cannot be reached they serve for 24 hours, and the next attempt waits
/// 10 seconds. A token with a key that is not known makes us ask again, once a minute at most: otherwise strangers
/// could make the node ask as often as they like.
actor TokenKeyCache {
    static let freshness: Int64 = 300
    static let staleness: Int64 = 86_400
    static let pauseAfterFailure: Int64 = 10
    static let pauseAfterUnknown: Int64 = 60

    private let url: String
    private let connection: any ProviderConnection
    private var keys: TokenKeySet?
    private var fetchedAt: Int64 = 0
    private var failedAt: Int64?
    private var askedForUnknownAt: Int64?
    private var fetch: Task<Result<TokenKeySet, IdentityFailure>, Never>?

    init(url: String, connection: any ProviderConnection) {
        self.url = url
        self.connection = connection
    }

    /// The key of a token.
    ///
    /// - Parameter now: Unix seconds.
    /// - Throws: `.unauthorized` for a key that the provider does not have, `.unavailable` when it cannot be asked.
    func key(_ id: String, _ algorithm: TokenAlgorithm, now: Int64) async throws(IdentityFailure) -> TokenKey {
        let known = try await current(now)
        if let key = known.key(id, algorithm) { return key }
        // What was fetched this minute is not fetched again for a name that anyone can make up.
        if let last = askedForUnknownAt, now - last < Self.pauseAfterUnknown, now >= last {
            throw .unauthorized("the token's key is not one of the provider's")
        }
        askedForUnknownAt = now
        if fetchedAt == now, let key = keys?.key(id, algorithm) { return key }
        guard let key = try await refresh(now).key(id, algorithm) else {
            throw .unauthorized("the token's key is not one of the provider's")
        }
        return key
    }

    private func current(_ now: Int64) async throws(IdentityFailure) -> TokenKeySet {
        if let keys {
            let age = now - fetchedAt
            if age < Self.freshness { return keys }
            let isStale = age < Self.staleness
            if isStale, let failedAt, now - failedAt < Self.pauseAfterFailure { return keys }
            do throws(IdentityFailure) { return try await refresh(now) } catch  where isStale { return keys }
        }
        if let failedAt, now - failedAt < Self.pauseAfterFailure {
            throw .unavailable("the provider's keys cannot be fetched")
        }
        return try await refresh(now)
    }

    /// Fetches once for all who wait.
    private func refresh(_ now: Int64) async throws(IdentityFailure) -> TokenKeySet {
        let task = fetch ?? Task { [url, connection] in await Self.fetch(url, connection) }
        fetch = task
        let result = await task.value
        fetch = nil
        switch result {
        case .success(let fetched):
            keys = fetched
            fetchedAt = now
            failedAt = nil
            return fetched
        case .failure(let failure):
            failedAt = now
            throw failure
        }
    }

    private static func fetch(
        _ url: String,
        _ connection: any ProviderConnection
    ) async -> Result<TokenKeySet, IdentityFailure> {
        do throws(IdentityFailure) {
            let answer = try await connection.get(url, bearer: nil)
            guard answer.status == 200, let keys = TokenKeySet(json: answer.body) else {
                throw .unavailable("the provider's keys cannot be read")
            }
            return .success(keys)
        } catch { return .failure(error) }
    }
}
