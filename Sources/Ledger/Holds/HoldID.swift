// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Names a hold: 16 bytes, made by us so that an answer can be matched to its caller.
///
/// The first six are the time in milliseconds, as in UUID version 7 (RFC 9562), which keeps the index's inserts together.
struct HoldID: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// Draws a name from the system's generator.
    static func make(now: Date = Date()) -> HoldID {
        var generator = SystemRandomNumberGenerator()
        let milliseconds = UInt64(max(0, now.timeIntervalSince1970 * 1000))
        return HoldID(high: milliseconds << 16 | UInt64(generator.next() as UInt16), low: generator.next())
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }
}
