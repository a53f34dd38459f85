// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a server states about now: a midpoint, and a radius for each unit.
///
/// An answer is evidence for ever, so the radius must never be understated.
public struct StatedTime: Sendable, Equatable {
    /// Microseconds since 1970 UTC.
    public var unixMicroseconds: Int64
    /// RADI in versions that count seconds, at least 1.
    public var radiusSeconds: UInt32
    /// RADI in versions that count microseconds, at least 1.
    public var radiusMicroseconds: UInt32

    public init(unixMicroseconds: Int64, radiusSeconds: UInt32, radiusMicroseconds: UInt32) {
        self.unixMicroseconds = unixMicroseconds
        self.radiusSeconds = radiusSeconds
        self.radiusMicroseconds = radiusMicroseconds
    }

    /// RADI for a version.
    ///
    /// Drafts 10 and 11 demand at least 3 seconds.
    @inline(__always)
    func radius(_ profile: Profile) -> UInt32 {
        guard profile.timeFormat == .unixSeconds else { return radiusMicroseconds }
        let isDraft10Or11 = profile.version == .draft(10) || profile.version == .draft(11)
        return isDraft10Or11 ? max(3, radiusSeconds) : radiusSeconds
    }
}
