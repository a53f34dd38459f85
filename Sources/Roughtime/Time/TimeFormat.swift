// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How a version writes points in time and radii.
public enum TimeFormat: Sendable {
    /// Microseconds since 1970 UTC.
    case unixMicroseconds
    /// The modified Julian day in the upper 24 bits, microseconds of that day in the lower 40 (drafts 01 to 07).
    case modifiedJulianDay
    /// Seconds since 1970 UTC, every day having 86,400.
    case unixSeconds

    private static let dayOfEpoch: Int64 = 40587
    private static let microsecondsPerDay: Int64 = 86_400_000_000
    /// A day may have a 61st second in its last minute.
    private static let longestDay: UInt64 = 86_401_000_000

    /// Microseconds that one unit of RADI stands for.
    public var radiusUnit: Int64 { self == .unixSeconds ? 1_000_000 : 1 }

    /// The wire form of a point in time, in microseconds since 1970; whole seconds are rounded down.
    public func encode(unixMicroseconds time: Int64) -> UInt64 {
        switch self {
        case .unixMicroseconds: UInt64(clamping: time)
        case .unixSeconds: UInt64(clamping: time.floorDivided(by: 1_000_000))
        case .modifiedJulianDay:
            UInt64(clamping: Self.dayOfEpoch + time.floorDivided(by: Self.microsecondsPerDay)) << 40
                | UInt64(time - time.floorDivided(by: Self.microsecondsPerDay) * Self.microsecondsPerDay)
        }
    }

    /// The wire form of a midpoint: whole seconds are rounded to the nearest, so that the error is half a second at most.
    public func encodeMidpoint(unixMicroseconds time: Int64) -> UInt64 {
        encode(unixMicroseconds: self == .unixSeconds ? time + 500_000 : time)
    }

    /// The point in time that wire form states, in microseconds since 1970; nil when it states none.
    ///
    /// All ones stand for "no end" and give `Int128.max`.
    public func decode(_ wire: UInt64) -> Int128? {
        if wire == .max { return .max }
        switch self {
        case .unixMicroseconds: return Int128(wire)
        case .unixSeconds: return Int128(wire) * 1_000_000
        case .modifiedJulianDay:
            let microseconds = wire & 0xff_ffff_ffff
            guard microseconds < Self.longestDay else { return nil }
            let day = Int128(wire >> 40) - Int128(Self.dayOfEpoch)
            // The second inserted at the end of a day has no place in Unix time: it reads as the next midnight.
            return day * Int128(Self.microsecondsPerDay)
                + min(Int128(microseconds), Int128(Self.microsecondsPerDay))
        }
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
