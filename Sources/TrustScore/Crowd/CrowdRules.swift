// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Which reports of strangers count, and how much.
///
/// A report costs nothing, so alone it hardly counts. What counts is a payment to the service that we can check.
public enum CrowdRules {
    /// What is known of a reporter.
    public struct Reporter: Sendable, Hashable {
        /// Different UTC days with accepted reports.
        public let acceptedDays: Int
        /// Unix seconds of the first accepted report.
        public let firstAccepted: Int64?

        public init(acceptedDays: Int = 0, firstAccepted: Int64? = nil) {
            self.acceptedDays = acceptedDays
            self.firstAccepted = firstAccepted
        }
    }

    /// What is known of a service.
    public struct Service: Sendable {
        /// Hashes of invoices that the service has shown us.
        public let seenInvoices: Set<[UInt8]>
        /// Keys of the nodes it was seen to be paid through.
        public let payees: Set<[UInt8]>
        /// In msat; `nil` when unknown.
        public let priceMsat: Int64?

        public init(seenInvoices: Set<[UInt8]> = [], payees: Set<[UInt8]> = [], priceMsat: Int64? = nil) {
            self.seenInvoices = seenInvoices
            self.payees = payees
            self.priceMsat = priceMsat
        }
    }

    /// Why a report does not count.
    public enum Refusal: String, Error, Sendable, Hashable, CaseIterable {
        /// Nobody has listed the service.
        case unknownEndpoint = "unknown_endpoint"
        /// Dated more than ten minutes ahead, or more than a week ago.
        case implausibleTime = "implausible_time"
        /// More than ten minutes old when it came: kept, weighs nothing.
        case late
        /// A success without a payment that can be checked weighs nothing.
        case unprovenSuccess = "unproven_success"
        /// The payment was reported before.
        case paymentReused = "payment_reused"
        /// The reporter, or all reports together, have said enough.
        case capReached = "cap_reached"
    }

    /// A report that counts.
    public struct Accepted: Sendable, Hashable {
        public let report: CrowdReport
        /// More than 0, before the caps of ``CrowdLedger``.
        public let weight: Double
        public let isProven: Bool
        /// Never later than we heard of it.
        public var time: Int64 { min(report.createdAt, report.receivedAt) }
    }

    /// A new report may differ this much from our clock, in seconds.
    public static let clockTolerance: Int64 = 600
    /// Older reports are not even kept, in seconds.
    public static let oldest: Int64 = 7 * 86_400
    /// An invoice in a report may be this old, in seconds.
    public static let invoiceLifetime: Int64 = 86_400
    static let baseWeight = 0.3
    static let unprovenLimit = 0.1

    /// Judges one report by itself.
    ///
    /// - Parameters:
    ///   - service: `nil` when it is not in the catalogue.
    ///   - isSpent: whether a payment hash was in an accepted report before.
    public static func judge(
        _ report: CrowdReport,
        from reporter: Reporter,
        about service: Service?,
        isSpent: ([UInt8]) -> Bool
    ) throws(Refusal) -> Accepted {
        guard let service else { throw .unknownEndpoint }
        let (difference, overflow) = report.createdAt.subtractingReportingOverflow(report.receivedAt)
        guard !overflow, difference <= clockTolerance, difference >= -oldest else { throw .implausibleTime }
        guard difference >= -clockTolerance else { throw .late }
        let isProven = isProven(report, by: service)
        if isProven, let hash = report.payment?.hash, isSpent(hash) { throw .paymentReused }
        let full = baseWeight * ageFactor(reporter, at: report.receivedAt) * powFactor(report.powBits)
        if isProven { return Accepted(report: report, weight: full * 2, isProven: true) }
        guard !report.outcome.isSuccess else { throw .unprovenSuccess }
        return Accepted(report: report, weight: min(unprovenLimit, full), isProven: false)
    }

    /// Whether the reporter certainly paid this service.
    static func isProven(_ report: CrowdReport, by service: Service) -> Bool {
        guard let payment = report.payment, payment.isPreimageValid else { return false }
        if service.seenInvoices.contains(payment.hash) { return true }
        guard let invoice = payment.invoice, invoice.isSignatureValid, service.payees.contains(invoice.payee),
            let amount = invoice.amountMsat, let price = service.priceMsat
        else { return false }
        let (age, overflow) = report.receivedAt.subtractingReportingOverflow(invoice.timestamp)
        // Half the price, without the sum that could overflow.
        return !overflow && age <= invoiceLifetime && age >= -clockTolerance && amount >= price - price / 2
    }

    /// 1 to 2 over thirty days, for who has been seen on three days at least.
    static func ageFactor(_ reporter: Reporter, at time: Int64) -> Double {
        guard reporter.acceptedDays >= 3, let first = reporter.firstAccepted else { return 1 }
        return min(2, 1 + max(0, Double(time) - Double(first)) / 86_400 / 30)
    }

    static func powFactor(_ bits: Int) -> Double { min(2, 1 + Double(max(0, bits)) / 32) }
}

/// SatRank's weight of a report, for comparison: the reporter chooses preimage and hash, so the doubling is free.
public enum CompatibleCrowdWeight {
    /// - Parameters:
    ///   - firstSeen: Unix seconds of the reporter's first report; `nil` counts as new.
    ///   - isPreimageValid: whether some preimage hashes to some hash.
    public static func weight(powBits: Int, firstSeen: Int64?, now: Int64, isPreimageValid: Bool) -> Double {
        let days = firstSeen.map { max(0, Double(now) - Double($0)) / 86_400 } ?? 0
        return CrowdRules.baseWeight * CrowdRules.powFactor(powBits) * min(2, 1 + days / 30) * (isPreimageValid ? 2 : 1)
    }
}
