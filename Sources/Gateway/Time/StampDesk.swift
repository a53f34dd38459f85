// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import TimeArchive
public import TimeStamping

/// What the routes that sell stamps need.
public struct StampDesk: Sendable {
    /// Prices of the routes; zero is free.
    public struct Prices: Sendable {
        public var stamp: MilliSatoshi
        public var archive: MilliSatoshi

        public init(stamp: MilliSatoshi = .sat(1), archive: MilliSatoshi = .sat(1)) {
            self.stamp = stamp
            self.archive = archive
        }
    }

    let stamper: Stamper
    let prices: Prices
    let archive: ScoreArchive?

    /// Makes a desk.
    ///
    /// - Parameter archive: the stamped scores; nil where there are none to sell.
    public init(stamper: Stamper, prices: Prices = Prices(), archive: ScoreArchive? = nil) {
        self.stamper = stamper
        self.prices = prices
        self.archive = archive
    }
}
