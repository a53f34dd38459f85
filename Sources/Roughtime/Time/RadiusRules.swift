// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The state of a clock at one moment.
public struct ClockReading: Sendable, Equatable {
    /// Microseconds since 1970 UTC.
    public var unixMicroseconds: Int64
    /// The most the clock may be wrong, in microseconds.
    public var maximumError: Int64
    /// A leap second is being inserted or removed within twelve hours, or was.
    public var isNearLeapSecond: Bool
    /// Whether anything told the clock of leap seconds to come.
    public var knowsLeapSeconds: Bool

    public init(
        unixMicroseconds: Int64,
        maximumError: Int64,
        isNearLeapSecond: Bool = false,
        knowsLeapSeconds: Bool = true
    ) {
        self.unixMicroseconds = unixMicroseconds
        self.maximumError = maximumError
        self.isNearLeapSecond = isNearLeapSecond
        self.knowsLeapSeconds = knowsLeapSeconds
    }
}

/// Turns the state of a clock into a statement that holds.
public struct RadiusRules: Sendable, Equatable {
    /// No radius is below this, in microseconds.
    public var floor: Int64
    /// The clock follows a source that smears leap seconds.
    public var isSmeared: Bool

    public init(floor: Int64 = 1_000_000, isSmeared: Bool = false) {
        self.floor = floor
        self.isSmeared = isSmeared
    }

    /// What may be signed for such a reading.
    public func state(_ reading: ClockReading) -> StatedTime {
        var error = max(reading.maximumError, 0)
        // A source that smears never says when it does.
        if isSmeared { error = max(error, 1_000_000) }
        // Rounding to the nearest second is off by half a second at most, and the interval of RFC 10049 is open.
        var seconds = max((error + 500_000) / 1_000_000 + 1, (floor + 999_999) / 1_000_000, 1)
        if reading.isNearLeapSecond || !reading.knowsLeapSeconds { seconds = max(seconds, 3) }
        var microseconds = max(error + 1000, floor, 1000)
        if reading.isNearLeapSecond { microseconds = max(microseconds, 2_000_000) }
        return StatedTime(
            unixMicroseconds: reading.unixMicroseconds,
            radiusSeconds: UInt32(clamping: seconds),
            radiusMicroseconds: UInt32(clamping: microseconds)
        )
    }
}
