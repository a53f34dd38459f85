// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import RoughtimeLink
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
    /// The responder that signs first.
    let link: ResponderLink?

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - archive: the stamped scores; nil where there are none to sell.
    ///   - link: the responder that signs first, asked before anything is sold; nil asks nobody.
    public init(
        stamper: Stamper,
        prices: Prices = Prices(),
        archive: ScoreArchive? = nil,
        link: ResponderLink? = nil
    ) {
        self.stamper = stamper
        self.prices = prices
        self.archive = archive
        self.link = link
    }
}
