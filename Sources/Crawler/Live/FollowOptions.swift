// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How quickly the scores follow the graph.
public struct FollowOptions: Sendable {
    /// From the first change to the pass that scores it, so that changes that come together are scored together.
    public var window: Duration = .seconds(1)
    /// The least time from the end of one pass to the start of the next.
    public var spacing: Duration = .seconds(1)
    /// Passes over changes take at most this share of one core, 0 to 1: the wait grows with what a pass takes.
    public var share = 0.5
    /// A stream that was lost for longer makes the whole graph be read again.
    public var longestGap: Duration = .seconds(120)
    /// What depends on the time of day alone, such as ages, is scored at least this often.
    public var longestPause: Duration = .seconds(3600)
    /// How often the source and the lock are looked at.
    public var heartbeat: Duration = .seconds(5)

    public init() {}

    /// The wait after a pass.
    public func pause(after duration: Duration) -> Duration {
        let factor = (1 - share) / share
        return max(spacing, duration * factor)
    }
}
