// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension SeededGenerator {
    /// A generator of its own for a named purpose, so that more numbers drawn for one do not change another.
    init(seed: UInt64, purpose: String) { self.init(seed: Self.seed(seed, purpose: purpose)) }

    /// The seed of a named purpose.
    static func seed(_ seed: UInt64, purpose: String) -> UInt64 {
        // FNV-1a: stable across runs, unlike the standard library's hash.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var generator = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ hash)
        return generator.next()
    }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal (Box and Muller).
    mutating func normal() -> Double {
        let radius = sqrt(-2 * log(1 - unit()))
        return radius * cos(2 * .pi * unit())
    }

    /// Exponential with a mean.
    mutating func exponential(mean: Double) -> Double { -mean * log(1 - unit()) }

    /// Below a bound, uniform.
    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
