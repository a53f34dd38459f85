// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Roughtime
internal import RoughtimeKeys

/// Where a clock's values come from; the kernel, but for tests.
public protocol ClockSource: Sendable {
    /// Microseconds since 1970.
    func unixMicroseconds() -> Int64
    /// Nanoseconds of a clock that never jumps.
    func monotonicNanoseconds() -> UInt64
    /// What disciplines the clock, and how well.
    func state() -> ClockDiscipline
}

/// What the kernel knows of how well its clock is kept.
public struct ClockDiscipline: Sendable, Equatable {
    public var isSynchronised: Bool
    /// The most the clock may be wrong, in microseconds.
    public var maximumError: Int64
    public var isNearLeapSecond: Bool

    public init(isSynchronised: Bool, maximumError: Int64, isNearLeapSecond: Bool = false) {
        self.isSynchronised = isSynchronised
        self.maximumError = maximumError
        self.isNearLeapSecond = isNearLeapSecond
    }
}

/// The kernel's clocks.
public struct SystemClockSource: ClockSource {
    public init() {}

    public func unixMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    public func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    public func state() -> ClockDiscipline {
        // Who cannot ask must not vouch.
        guard let kernel = try? KernelClock.read() else {
            return ClockDiscipline(isSynchronised: false, maximumError: .max / 4)
        }
        return ClockDiscipline(
            isSynchronised: kernel.isSynchronised,
            maximumError: kernel.maximumError,
            isNearLeapSecond: kernel.isNearLeapSecond
        )
    }
}

/// What to do while nothing disciplines the clock.
public enum UnsynchronisedPolicy: Sendable, Equatable {
    /// Sign nothing once the clock has been unsynchronised for so long.
    case silent(grace: Duration)
    /// Go on with a radius of 16 seconds or more.
    case wide
}

/// Says what time may be signed now, or that none may.
///
/// One for every worker: it remembers its last reading, to notice a clock that is set to another time.
public struct SigningClock<Source: ClockSource> {
    /// The least error that is claimed for a clock nobody disciplines, in microseconds.
    private static var wideError: Int64 { 16_000_000 }
    /// The kernel's state is asked for anew after this long, in nanoseconds.
    private static var stateAge: UInt64 { 100_000_000 }
    /// How long nothing is signed after the clock was set, in nanoseconds.
    private static var quietAfterStep: UInt64 { 10_000_000_000 }

    private let source: Source
    private let rules: RadiusRules
    private let policy: UnsynchronisedPolicy
    private var discipline: ClockDiscipline
    private var disciplineReadAt: UInt64
    /// When the clock was last known to be synchronised; nil when never.
    private var synchronisedAt: UInt64?
    private var last: (unix: Int64, monotonic: UInt64, radius: Int64)?
    private var quietUntil: UInt64 = 0
    /// Times the clock was set since this was last asked.
    public private(set) var steps = 0

    public init(source: Source, rules: RadiusRules, policy: UnsynchronisedPolicy) {
        self.source = source
        self.rules = rules
        self.policy = policy
        discipline = source.state()
        disciplineReadAt = source.monotonicNanoseconds()
        synchronisedAt = discipline.isSynchronised ? disciplineReadAt : nil
    }

    /// Whether the kernel calls the clock synchronised, as of the last reading.
    public var isSynchronised: Bool { discipline.isSynchronised }
    /// The kernel's bound of the clock's error, in microseconds, as of the last reading.
    public var maximumError: Int64 { discipline.maximumError }

    /// Reads the clock.
    ///
    /// - Returns: what may be signed, and the monotonic time of the reading.
    public mutating func read() -> (time: Result<StatedTime, DropReason>, monotonic: UInt64) {
        let monotonic = source.monotonicNanoseconds()
        if monotonic &- disciplineReadAt > Self.stateAge {
            discipline = source.state()
            disciplineReadAt = monotonic
            if discipline.isSynchronised { synchronisedAt = monotonic }
        }
        let unix = source.unixMicroseconds()
        guard let error = error(at: monotonic) else { return (.failure(.unsynchronised), monotonic) }
        let stated = rules.state(
            ClockReading(
                unixMicroseconds: unix,
                maximumError: error,
                isNearLeapSecond: discipline.isNearLeapSecond,
                knowsLeapSeconds: discipline.isSynchronised
            )
        )
        noteStep(unix, monotonic, Int64(stated.radiusMicroseconds))
        guard monotonic >= quietUntil else { return (.failure(.unsynchronised), monotonic) }
        return (.success(stated), monotonic)
    }

    /// The error to claim; nil when nothing may be signed.
    private func error(at monotonic: UInt64) -> Int64? {
        if discipline.isSynchronised { return discipline.maximumError }
        switch policy {
        case .wide: return max(discipline.maximumError, Self.wideError)
        case .silent(let grace):
            guard let synchronisedAt, monotonic - synchronisedAt <= UInt64(grace / .nanoseconds(1)) else { return nil }
            return discipline.maximumError
        }
    }

    private mutating func noteStep(_ unix: Int64, _ monotonic: UInt64, _ radius: Int64) {
        if let last {
            let passed = Int64((monotonic - last.monotonic) / 1000)
            if abs(unix - last.unix - passed) > max(last.radius, radius) {
                quietUntil = monotonic + Self.quietAfterStep
                steps += 1
            }
        }
        last = (unix, monotonic, radius)
    }

    /// The number of steps since the last call.
    public mutating func takeSteps() -> Int {
        defer { steps = 0 }
        return steps
    }
}
