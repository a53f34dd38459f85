// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The gate's limits and lifetimes.
public struct GateConfiguration: Sendable {
    /// Seconds until an unpaid invoice is cancelled by the node.
    public var invoiceExpirySeconds = 600
    /// Seconds a token lives after its invoice's expiry; 30 days.
    public var tokenLifetimeSeconds: Int64 = 30 * 24 * 3600
    /// How long a first use waits for its invoice to settle.
    public var settlementPatience: Duration = .seconds(3)
    /// Challenges per second of one client prefix (IPv4 /24, IPv6 /48).
    public var challengesPerSecond = 2.0
    /// Challenges one client prefix may ask for at once.
    public var challengeBurst = 30.0
    /// Challenges per second of all clients.
    public var totalChallengesPerSecond = 50.0
    /// Invoices that may be open at a time.
    public var openInvoiceLimit = 2000
    /// Paid requests per second of one token.
    public var requestsPerSecond = 100.0
    /// Paid requests one token may make at once.
    public var requestBurst = 200.0

    public init() {}
}
