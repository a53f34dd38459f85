// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// An amount of bitcoin in thousandths of a satoshi (msat), the unit of BOLT 2.
///
/// May be negative in differences. The whole supply is 2.1e18 msat, so sums of real amounts fit an `Int64`.
public struct MilliSatoshi: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    /// The amount in msat.
    public let msat: Int64

    public init(msat: Int64) { self.msat = msat }

    /// Makes an amount of whole satoshi, or returns `nil` when it does not fit.
    public init?(exactlySat sat: Int64) {
        let (msat, overflow) = sat.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return nil }
        self.msat = msat
    }

    /// Makes an amount of whole satoshi from a small number.
    /// - Precondition: the amount fits: at most 9.2e15 sat.
    public static func sat(_ sat: Int64) -> MilliSatoshi { MilliSatoshi(msat: sat * 1000) }

    public static let zero = MilliSatoshi(msat: 0)

    /// The greatest amount there can be: 21 million bitcoin.
    public static let supply = MilliSatoshi(msat: 2_100_000_000_000_000_000)

    /// Whole satoshi, rounded down.
    public var satFloor: Int64 { msat >= 0 ? msat / 1000 : (msat - 999) / 1000 }

    /// Whole satoshi, rounded up: what a payer who can only pay whole satoshi has to pay.
    public var satCeiling: Int64 { msat >= 0 ? (msat + 999) / 1000 : msat / 1000 }

    public var description: String { "\(msat) msat" }

    public static func < (left: MilliSatoshi, right: MilliSatoshi) -> Bool { left.msat < right.msat }

    public static func + (left: MilliSatoshi, right: MilliSatoshi) -> MilliSatoshi {
        MilliSatoshi(msat: left.msat + right.msat)
    }

    public static func - (left: MilliSatoshi, right: MilliSatoshi) -> MilliSatoshi {
        MilliSatoshi(msat: left.msat - right.msat)
    }
}
