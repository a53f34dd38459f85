// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Roughtime
import Synchronization
import Testing

@testable import RoughtimeResponder

/// A clock that shows what it is told to.
private final class FakeClock: ClockSource {
    struct Hands {
        var unix: Int64 = 1_800_000_000_000_000
        var monotonic: UInt64 = 5_000_000_000
        var state = ClockDiscipline(isSynchronised: true, maximumError: 20_000)
    }

    private let hands = Mutex(Hands())

    func unixMicroseconds() -> Int64 { hands.withLock { $0.unix } }
    func monotonicNanoseconds() -> UInt64 { hands.withLock { $0.monotonic } }
    func state() -> ClockDiscipline { hands.withLock { $0.state } }

    /// Lets time go by; a clock that is set on the way is off by so many microseconds afterwards.
    func pass(_ microseconds: Int64, step: Int64 = 0) {
        hands.withLock {
            $0.unix += microseconds + step
            $0.monotonic += UInt64(microseconds) * 1000
        }
    }

    func set(_ state: ClockDiscipline) { hands.withLock { $0.state = state } }
}

@Suite("The clock that is signed")
struct SigningClockTests {
    private let source = FakeClock()

    private func clock(_ policy: UnsynchronisedPolicy = .silent(grace: .seconds(60))) -> SigningClock<FakeClock> {
        SigningClock(source: source, rules: RadiusRules(), policy: policy)
    }

    @Test(
        "a clock that was set by more than the radius signs nothing for ten seconds",
        arguments: [1_000_001, -1_000_001]
    )
    func steps(_ step: Int64) throws {
        var clock = clock()
        _ = try clock.read().time.get()
        source.pass(1000, step: step)
        #expect(clock.read().time == .failure(.unsynchronised))
        source.pass(9_999_999)
        #expect(clock.read().time == .failure(.unsynchronised))
        source.pass(1)
        #expect(throws: Never.self) { try clock.read().time.get() }
        #expect(clock.takeSteps() == 1)
        #expect(clock.takeSteps() == 0)
    }

    @Test("a clock that was set by no more than the radius signs on", arguments: [1_000_000, -1_000_000])
    func smallSteps(_ step: Int64) throws {
        var clock = clock()
        _ = try clock.read().time.get()
        source.pass(1000, step: step)
        #expect(throws: Never.self) { try clock.read().time.get() }
        #expect(clock.takeSteps() == 0)
    }

    @Test("a step is noticed however long nothing was asked")
    func stepWhileIdle() throws {
        var clock = clock()
        _ = try clock.read().time.get()
        source.pass(86_400_000_000, step: 2_000_000)
        #expect(clock.read().time == .failure(.unsynchronised))
    }

    @Test("a second step prolongs the silence")
    func twoSteps() throws {
        var clock = clock()
        _ = clock.read()
        source.pass(1000, step: 5_000_000)
        _ = clock.read()
        source.pass(9_000_000, step: -5_000_000)
        _ = clock.read()
        source.pass(9_000_000)
        #expect(clock.read().time == .failure(.unsynchronised))
        #expect(clock.takeSteps() == 2)
    }

    @Test("a clock that loses its source signs on for the grace, and not longer")
    func grace() throws {
        var clock = clock()
        source.set(ClockDiscipline(isSynchronised: false, maximumError: 16_000_000))
        source.pass(60_000_000)
        // A wider error is stated at once.
        #expect(try clock.read().time.get().radiusSeconds == 17)
        source.pass(1)
        #expect(clock.read().time == .failure(.unsynchronised))
        source.set(ClockDiscipline(isSynchronised: true, maximumError: 20_000))
        source.pass(200_000)
        #expect(throws: Never.self) { try clock.read().time.get() }
        #expect(clock.isSynchronised)
    }

    @Test("a clock that never had a source signs nothing, without any grace")
    func neverSynchronised() {
        source.set(ClockDiscipline(isSynchronised: false, maximumError: 1000))
        var clock = clock()
        #expect(clock.read().time == .failure(.unsynchronised))
    }

    @Test("by choice an unsynchronised clock signs, with 16 seconds of error at least")
    func wide() throws {
        source.set(ClockDiscipline(isSynchronised: false, maximumError: 1000))
        var clock = clock(.wide)
        let stated = try clock.read().time.get()
        #expect(stated.radiusSeconds == 17)
        #expect(stated.radiusMicroseconds == 16_001_000)
        source.set(ClockDiscipline(isSynchronised: false, maximumError: 40_000_000))
        source.pass(200_000)
        #expect(try clock.read().time.get().radiusSeconds == 41)
    }

    @Test("a kernel that cannot be asked gives the widest radius there is")
    func noKernel() throws {
        source.set(ClockDiscipline(isSynchronised: false, maximumError: .max / 4))
        var clock = clock(.wide)
        let stated = try clock.read().time.get()
        #expect(stated.radiusSeconds == .max && stated.radiusMicroseconds == .max)
    }

    @Test("near a leap second the radius is three seconds, two in versions that count microseconds")
    func leapSecond() throws {
        source.set(ClockDiscipline(isSynchronised: true, maximumError: 1000, isNearLeapSecond: true))
        var clock = clock()
        let stated = try clock.read().time.get()
        #expect(stated.radiusSeconds == 3)
        #expect(stated.radiusMicroseconds == 2_000_000)
    }

    @Test(
        "the radius in seconds is the least above the error and the rounding",
        arguments: [(0, 1), (499_999, 1), (500_000, 2), (1_499_999, 2), (1_500_000, 3), (-5, 1)]
    )
    func radius(_ error: Int64, _ seconds: UInt32) {
        let reading = ClockReading(unixMicroseconds: 0, maximumError: error)
        let stated = RadiusRules(floor: 0).state(reading)
        #expect(stated.radiusSeconds == seconds)
        #expect(Int64(stated.radiusSeconds) * 1_000_000 > error + 500_000)
        #expect(Int64(stated.radiusMicroseconds) >= max(error, 0) + 1000)
    }
}
