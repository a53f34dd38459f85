// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Ledger

/// The gate's limits and lifetimes.
public struct GateConfiguration: Sendable {
    /// The realm of challenges, without quotes.
    public var realm = "assay"
    /// The service whose routes deposits pay for.
    public var depositService = "assay"
    /// Whether the Payment scheme is offered and accepted beside L402.
    public var offersPayment = true
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
    /// Challenges per second of one service.
    public var serviceChallengesPerSecond = 50.0
    /// Leading zero bits of the puzzle that a client may solve instead of waiting for a challenge; 0 offers none.
    public var proofOfWorkBits = 20
    /// Invoices that may be open at a time.
    public var openInvoiceLimit = 2000
    /// Paid requests per second of one token.
    public var requestsPerSecond = 100.0
    /// Paid requests one token may make at once.
    public var requestBurst = 200.0

    /// Lookup misses (404) that are free for one payment, per hour.
    public var freeMissesPerHour = 20.0
    /// What deposits pay.
    public var deposits = DepositSchedule.standard
    /// Whether `L402 deposit:PREIMAGE` is accepted for deposits of at most 1000 sat.
    public var acceptsBareDeposits = false

    public init() {}
}
