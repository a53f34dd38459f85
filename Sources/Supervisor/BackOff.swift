// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How long to wait before a child that ended is started again.
///
/// Doubles from half a second to half a minute, and starts over once a child has stayed up for a minute.
struct BackOff: Sendable {
    private var failures = 0

    mutating func wait(afterUptime uptime: Duration) -> Duration {
        if uptime >= .seconds(60) { failures = 0 }
        defer { failures += 1 }
        return min(.seconds(30), .milliseconds(500) * (1 << min(failures, 6)))
    }
}
