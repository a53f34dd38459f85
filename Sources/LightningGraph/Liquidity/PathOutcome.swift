// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What one attempt along a path has shown: an own payment, or an HTLC probe.
///
/// A sender learns which hop refused, not why: too little money on that side, or a next node that does not answer.
public struct PathOutcome: Sendable, Hashable {
    /// One hop of the attempt.
    public struct Hop: Sendable, Hashable {
        public let place: HopPlace
        /// What the hop had to carry, in msat, positive.
        public let amountMsat: Int64
        public let result: Result

        public init(place: HopPlace, amountMsat: Int64, result: Result) {
            self.place = place
            self.amountMsat = amountMsat
            self.result = result
        }
    }

    /// What is known of a hop after the attempt.
    public enum Result: Sendable, Hashable {
        case carried
        case refused
        /// The attempt never came that far, or the failure says nothing about this hop.
        case unknown
    }

    /// In the order of travel, without the sender's own channels: their balances it knows.
    public let hops: [Hop]
    /// Whether the money stayed where it went: a settled payment, not a probe.
    public let isSettled: Bool
    /// Unix seconds.
    public let time: Double

    public init(hops: [Hop], isSettled: Bool, time: Double) {
        self.hops = hops
        self.isSettled = isSettled
        self.time = time
    }

    /// Whether the attempt arrived, was refused, or neither is known.
    public var arrived: Bool? {
        if hops.contains(where: { $0.result == .refused }) { return false }
        return hops.allSatisfy { $0.result == .carried } ? true : nil
    }
}
