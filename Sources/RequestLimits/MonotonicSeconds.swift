// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Seconds of a clock that never goes back, counted from the first use.
public enum MonotonicSeconds {
    private static let start = ContinuousClock.now

    public static func now() -> Double { (ContinuousClock.now - start) / .seconds(1) }
}
