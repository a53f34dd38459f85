// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// Counts free requests per account, client network and UTC day; the counts survive restarts and hold for all processes.
///
/// As a service it removes counts that are older than two days.
public final class FreeAllowances: Service, Sendable {
    /// One free request: the permission to serve it, and what is needed to give it back.
    public struct Use: Sendable, Hashable {
        public let grant: FreeGrant
        /// How many were used today, this one included.
        public let used: Int64
        let day: String
        let account: String
        let network: String
    }

    private struct Key: Hashable {
        let account: String
        let network: String
    }

    /// Who has used up everything on which day; asked before the database is.
    private struct Exhausted {
        var day = ""
        var keys: Set<Key> = []
    }

    private let client: PostgresClient
    private let logger: Logger
    private let sweepInterval: Duration
    private let exhausted = Mutex(Exhausted())
    private static let remembered = 65_536

    /// Counts in a migrated database.
    public init(client: PostgresClient, sweepInterval: Duration = .seconds(3600), logger: Logger) {
        self.client = client
        self.sweepInterval = sweepInterval
        self.logger = logger
    }

    /// Takes one free request, if the day's limit leaves one.
    ///
    /// - Parameters:
    ///   - account: what is counted, such as a service's name.
    ///   - network: the client's network in CIDR form.
    ///   - limit: requests a day.
    ///   - day: the UTC day, `YYYY-MM-DD`.
    /// - Returns: `nil` when nothing is left, or when the database cannot say: then the request has to be paid for.
    public func take(account: String, network: String, limit: Int, day: String) async -> Use? {
        let key = Key(account: account, network: network)
        let isExhausted = exhausted.withLock { $0.day == day && $0.keys.contains(key) }
        guard limit > 0, !isExhausted else { return nil }
        do {
            let values: [PostgresValue] = [.text(day), .text(account), .text(network), .int8(Int64(limit))]
            guard let row = try await client.query(Self.take, values, deadline: .seconds(2)).first else {
                remember(key, day)
                return nil
            }
            let used = try row.int8(0)
            return Use(grant: FreeGrant(counted: used), used: used, day: day, account: account, network: network)
        } catch {
            logger.warning("a free request could not be counted", metadata: ["db.error": "\(error)"])
            return nil
        }
    }

    /// Gives a request back that was not served.
    public func giveBack(_ use: Use) async {
        let key = Key(account: use.account, network: use.network)
        _ = exhausted.withLock { $0.keys.remove(key) }
        do {
            let values: [PostgresValue] = [.text(use.day), .text(use.account), .text(use.network)]
            try await client.execute(Self.giveBack, values, deadline: .seconds(2))
        } catch {
            logger.warning("a free request could not be given back", metadata: ["db.error": "\(error)"])
        }
    }

    /// Removes old counts until graceful shutdown.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    await self.sweep()
                    try await Task.sleep(for: self.sweepInterval)
                }
            }
        } catch is CancellationError {
            // Shutdown.
        }
    }

    /// Removes counts older than two days.
    ///
    /// - Returns: how many.
    @discardableResult
    public func sweep() async -> Int {
        do {
            return try await client.execute(Self.sweep)
        } catch {
            logger.debug("old counts of free requests were not removed", metadata: ["db.error": "\(error)"])
            return 0
        }
    }

    /// Forgets everybody when there are too many: they are only asked for once more in the database.
    private func remember(_ key: Key, _ day: String) {
        exhausted.withLock { exhausted in
            if exhausted.day != day || exhausted.keys.count >= Self.remembered { exhausted = Exhausted(day: day) }
            exhausted.keys.insert(key)
        }
    }

    private static let take = Statement(
        "ledger.free_take",
        """
        INSERT INTO free_allowances (day, account, network, used) VALUES ($1::text::date, $2, $3, 1)
        ON CONFLICT (day, account, network) DO UPDATE SET used = free_allowances.used + 1
         WHERE free_allowances.used < $4
        RETURNING used
        """
    )

    private static let giveBack = Statement(
        "ledger.free_give_back",
        """
        UPDATE free_allowances SET used = used - 1
         WHERE day = $1::text::date AND account = $2 AND network = $3 AND used > 0
        """
    )

    private static let sweep = Statement(
        "ledger.free_sweep",
        "DELETE FROM free_allowances WHERE day < (now() AT TIME ZONE 'UTC')::date - 2"
    )
}

extension FreeGrant {
    /// The use of something that costs nothing within a counted allowance.
    fileprivate init(counted: Int64) {}
}
