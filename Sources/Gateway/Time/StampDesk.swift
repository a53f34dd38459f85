// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
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

    public init(stamper: Stamper, prices: Prices = Prices()) {
        self.stamper = stamper
        self.prices = prices
    }
}
