// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What the kernel says of its clock (`adjtimex(2)`, read only).
public struct KernelClock: Sendable, Hashable {
    /// Seconds since 1970.
    public let now: Int64
    /// Whether something disciplines the clock: NTP, PTP or the like.
    public let isSynchronised: Bool
    /// The most the clock may be wrong, in microseconds.
    public let maximumError: Int64
    /// Whether a leap second is announced, or was inserted or removed just now.
    public let isNearLeapSecond: Bool

    public init(now: Int64, isSynchronised: Bool, maximumError: Int64 = 0, isNearLeapSecond: Bool = false) {
        self.now = now
        self.isSynchronised = isSynchronised
        self.maximumError = maximumError
        self.isNearLeapSecond = isNearLeapSecond
    }

    /// Reads the clock.
    /// - Throws: ``RoughtimeKeyError`` when the kernel or a system call filter refuses.
    public static func read() throws(RoughtimeKeyError) -> KernelClock {
        var state = timex()
        let result = adjtimex(&state)
        guard result >= 0 else {
            throw .system("read the clock's state; a system call filter has to allow adjtimex and clock_adjtime")
        }
        let isUnsynchronised = result == TIME_ERROR || state.status & STA_UNSYNC != 0
        return KernelClock(
            now: Int64(state.time.tv_sec),
            isSynchronised: !isUnsynchronised,
            maximumError: Int64(state.maxerror),
            isNearLeapSecond: result != TIME_OK && result != TIME_ERROR
        )
    }

    /// Reads the time where a system call filter hides the clock's state, and something outside has looked at that.
    public static func checkedElsewhere() -> KernelClock { KernelClock(now: Int64(time(nil)), isSynchronised: true) }

    /// Makes sure that the clock is synchronised.
    /// - Throws: ``RoughtimeKeyError/Code/refused``.
    public func requireSynchronised() throws(RoughtimeKeyError) {
        guard isSynchronised else {
            throw RoughtimeKeyError(
                .refused,
                """
                the kernel says that the clock is not synchronised, and a delegation must not begin at a wrong time: start \
                an NTP client (timedatectl, chronyc tracking), or set ASSAY_ROUGHTIME_UNSYNC=wide where no client trusts \
                this server
                """
            )
        }
    }
}
