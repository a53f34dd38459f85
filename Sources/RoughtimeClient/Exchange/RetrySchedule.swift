// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How long to wait between tries: half as long again each time, a day at most (RFC 10049, section 8.2).
public struct RetrySchedule: Sendable, Equatable {
    /// The longest wait.
    public static let longest = Duration.seconds(86_400)

    private let first: Duration
    private var failures = 0

    /// Makes a schedule that begins with its shortest wait.
    ///
    /// - Parameter first: the shortest wait; a second for servers, ten seconds for uploads of reports.
    public init(first: Duration = .seconds(1)) {
        self.first = first
    }

    /// The wait between a try and the next one, when all tries up to it failed.
    ///
    /// - Parameter number: of the try that failed, from 1.
    public func wait(afterTry number: Int) -> Duration {
        var wait = first
        for _ in 1..<max(number, 1) {
            wait = wait * 3 / 2
            if wait >= Self.longest { return Self.longest }
        }
        return min(wait, Self.longest)
    }

    /// Notes a failure, and says how long to wait now.
    public mutating func failed() -> Duration {
        failures += 1
        return wait(afterTry: failures)
    }

    /// Starts again; only an answer whose signatures hold is a reason to.
    public mutating func answered() {
        failures = 0
    }
}
