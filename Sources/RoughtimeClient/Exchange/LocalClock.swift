// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The clock that is judged, and the one that cannot be set.
///
/// Times of sending and receiving are taken from the second, so that somebody who sets the first during an exchange does
/// not spoil the answer.
public struct LocalClock: Sendable {
    /// Both clocks at one moment, in microseconds.
    public struct Reading: Sendable, Equatable {
        public var monotonic: Int64
        /// Since 1970.
        public var unix: Int64

        public init(monotonic: Int64, unix: Int64) {
            self.monotonic = monotonic
            self.unix = unix
        }

        /// What the clock that is judged would have shown at another moment, had nobody set it since.
        public func unix(at monotonic: Int64) -> Int64 { unix - (self.monotonic - monotonic) }
    }

    public let read: @Sendable () -> Reading

    public init(_ read: @escaping @Sendable () -> Reading) {
        self.read = read
    }

    public static let system = LocalClock { Reading(monotonic: time(CLOCK_BOOTTIME), unix: time(CLOCK_REALTIME)) }

    private static func time(_ clock: clockid_t) -> Int64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }
}
