// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The sizes of simulated payments: seven in ten small (median 12,000 sat), the others larger (median 120,000 sat).
///
/// Both are log-normal, cut to 1,000 to 1,000,000 sat: tips and purchases on one side, transfers between services on
/// the other. The median of all is about 25,000 sat.
enum PaymentSizes {
    static func draw(_ generator: inout SeededGenerator) -> Int64 {
        let isSmall = generator.unit() < 0.7
        let size = exp(log(isSmall ? 12_000 : 120_000) + (isSmall ? 1.3 : 1.1) * generator.normal())
        return Int64(min(1_000_000, max(1000, size)))
    }
}
