// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// One path with the exact amounts every hop has to carry, computed backwards from the receiver.
public struct ExactPath: Sendable, Hashable {
    /// One channel of the path.
    public struct Hop: Sendable, Hashable {
        /// As ``Adjacency/Arc/direction`` numbers it.
        public let direction: Int32
        /// Index of the node it leads to.
        public let node: Int32
        /// What the channel carries.
        public let amount: MilliSatoshi
        /// What the node at its end keeps of it.
        public let fee: MilliSatoshi
        /// Blocks that the node at its end adds to the time lock.
        public let timeLockDelta: Int64
        /// The probability that the channel carries the amount.
        public let probability: Double
    }

    /// In the order of travel.
    public let hops: [Hop]
    /// What arrives.
    public let delivered: MilliSatoshi
    /// What LND weighs: fees, the price of time locks, and the expected price of failure, in msat.
    public let cost: Double

    /// What the sender gives.
    public var sent: MilliSatoshi { hops.first?.amount ?? delivered }
    /// All fees together.
    public var fee: MilliSatoshi { MilliSatoshi(msat: sent.msat - delivered.msat) }
    /// Blocks that all forwarding nodes together add to the time lock.
    public var timeLockDelta: Int64 { hops.reduce(0) { $0 + $1.timeLockDelta } }
    /// The probability that every channel carries its amount.
    public var probability: Double { hops.reduce(1) { $0 * $1.probability } }
}
