// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// For one amount, the probability of every direction of a graph to carry it: what a ``PathSweep`` is given.
public struct HopProbabilities: Sendable {
    public let amount: MilliSatoshi
    /// By direction as ``Adjacency/Arc/direction`` numbers it, 0 to 1.
    public var values: [Double]

    public init(amount: MilliSatoshi, values: [Double]) {
        self.amount = amount
        self.values = values
    }
}
