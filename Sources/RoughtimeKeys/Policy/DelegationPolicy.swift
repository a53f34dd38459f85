// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What the long-term key may sign.
public struct DelegationPolicy: Sendable, Hashable {
    /// Shortest and longest life of a delegation in seconds.
    public static let lives: ClosedRange<Int64> = 61...259_200
    /// Longest life when somebody carries the files by hand: eight days in seconds.
    public static let longestOfflineLife: Int64 = 691_200
    /// How far before now a delegation begins, in seconds: for clients whose clocks are behind.
    public static let leadIn: Int64 = 600
    /// Delegations in any 24 hours.
    public static let mintingsPerDay = 8
    /// How old a request may be in seconds; an older one was left behind.
    static let greatestAge: Int64 = 691_200

    /// Seconds from now to the end of a delegation.
    public let life: Int64
    /// Whether a clock that nothing disciplines may be used, as in a development machine or container.
    public let allowsUnsynchronisedClock: Bool

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - life: seconds, 61...259,200 (three days); offline up to 691,200 (eight days).
    ///   - isOffline: the request and the answer are carried by hand.
    /// - Throws: ``RoughtimeKeyError/Code/refused`` for another life.
    public init(
        life: Int64 = 172_800,
        isOffline: Bool = false,
        allowsUnsynchronisedClock: Bool = false
    ) throws(RoughtimeKeyError) {
        let longest = isOffline ? Self.longestOfflineLife : Self.lives.upperBound
        guard (Self.lives.lowerBound...longest).contains(life) else {
            let advice = isOffline ? "" : "; --offline allows up to \(Self.longestOfflineLife)"
            throw RoughtimeKeyError(
                .refused,
                "a delegation of \(life) s is not allowed: \(Self.lives.lowerBound) to \(longest) s\(advice)"
            )
        }
        self.life = life
        self.allowsUnsynchronisedClock = allowsUnsynchronisedClock
    }

    /// Decides on one request.
    ///
    /// - Parameters:
    ///   - created: when the request was made, Unix seconds.
    ///   - mintings: the latest mintings, in any order.
    /// - Returns: first and last second of the delegation, Unix seconds.
    /// - Throws: ``RoughtimeKeyError/Code/refused``.
    public func window(
        for created: Int64,
        clock: KernelClock,
        mintings: [Minting]
    ) throws(RoughtimeKeyError) -> ClosedRange<Int64> {
        if !allowsUnsynchronisedClock { try clock.requireSynchronised() }
        let now = clock.now
        guard now > Self.leadIn else { throw RoughtimeKeyError(.refused, "the clock stands at 1970") }
        if let last = mintings.map(\.time).max(), now < last {
            throw RoughtimeKeyError(
                .refused,
                """
                the clock (\(now)) is behind the last minting (\(last)): it was turned back, or was wrong then. Correct the \
                clock; if the last minting was wrong, follow "Compromise" in DEPLOY.md
                """
            )
        }
        guard created <= now + Self.leadIn, created >= now - Self.greatestAge else {
            throw RoughtimeKeyError(
                .refused,
                "the request was made at \(created), too far from now (\(now)); have the responder make a new one"
            )
        }
        let recent = mintings.count { $0.time > now - 86_400 }
        guard recent < Self.mintingsPerDay else {
            throw RoughtimeKeyError(
                .refused,
                """
                there were \(recent) mintings in the last 24 hours, as many as are allowed: something asks too often. Look \
                at the audit log and the responder's journal; nothing helps but waiting
                """
            )
        }
        return now - Self.leadIn...now + life
    }
}
