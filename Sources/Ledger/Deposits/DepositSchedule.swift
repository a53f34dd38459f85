// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a deposit pays per request, by its size.
public struct DepositTier: Sendable, Hashable {
    /// 1 for the smallest deposits.
    public let id: Int
    /// The smallest deposit of the tier, in sat.
    public let minimumSats: Int64
    /// What is paid of each route's price, in millionths, 1 to 1,000,000.
    public let ratePPM: Int32

    /// Sat per request of a route that costs 1 sat.
    public var rateSatsPerRequest: Double { Double(ratePPM) / 1_000_000 }
    /// Percent off the price.
    public var discountPercent: Int { 100 - Int(ratePPM / 10_000) }
    /// Requests of 1 sat that the smallest deposit of the tier is good for.
    public var requestsPerDeposit: Int64 { minimumSats * 1_000_000 / Int64(ratePPM) }
}

/// The deposit tiers that are offered.
///
/// The rate of a deposit is fixed when it is redeemed, so another schedule changes nothing for deposits that are there.
public struct DepositSchedule: Sendable, Hashable {
    /// Why a text is not a schedule.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// Ascending; never empty.
    public let tiers: [DepositTier]
    /// The largest deposit, in sat.
    public let maximumSats: Int64

    /// The tiers everybody is offered: 21 sat at the full price up to 1,000,000 sat at a twentieth.
    public static let standard = DepositSchedule(
        [(21, 1_000_000), (1000, 500_000), (10_000, 200_000), (100_000, 100_000), (1_000_000, 50_000)],
        maximumSats: 1_000_000
    )

    private init(_ tiers: [(minimum: Int64, rate: Int32)], maximumSats: Int64) {
        self.tiers = tiers.enumerated().map { index, tier in
            DepositTier(id: index + 1, minimumSats: tier.minimum, ratePPM: tier.rate)
        }
        self.maximumSats = maximumSats
    }

    /// Reads a schedule such as `21:1,1000:0.5`: the smallest deposit in sat and its part of the price, ascending.
    public init(parsing text: String, maximumSats: Int64) throws(Invalid) {
        var tiers: [(minimum: Int64, rate: Int32)] = []
        for part in text.split(separator: ",") {
            let numbers = part.split(separator: ":").map { $0.filter { $0 != " " } }
            guard numbers.count == 2, let minimum = Int64(numbers[0]), let rate = Double(numbers[1]), minimum > 0,
                rate >= 0.000001, rate <= 1
            else { throw Invalid(description: "'\(part)': expected SATS:RATE with a rate above 0 and at most 1") }
            let ppm = Int32((rate * 1_000_000).rounded())
            if let last = tiers.last, minimum <= last.minimum || ppm > last.rate {
                throw Invalid(description: "'\(part)': larger deposits come later and never pay a higher rate")
            }
            tiers.append((minimum, ppm))
        }
        guard let last = tiers.last else { throw Invalid(description: "there is no tier; an example is 21:1,1000:0.5") }
        guard maximumSats >= last.minimum else {
            throw Invalid(description: "the largest deposit is smaller than the last tier's smallest")
        }
        self.init(tiers, maximumSats: maximumSats)
    }

    /// The smallest deposit, in sat.
    public var minimumSats: Int64 { tiers.first?.minimumSats ?? 1 }

    /// The tier of an amount that was paid: the one with the largest minimum that it reaches, else the first.
    public func tier(for paid: MilliSatoshi) -> DepositTier {
        tiers.last { $0.minimumSats <= paid.satFloor } ?? tiers[0]
    }
}
