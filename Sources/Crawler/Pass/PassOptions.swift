// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a pass may be told.
public struct PassOptions: Sendable {
    /// Amounts whose paths are searched, in sat: the tiers of the API.
    public static let tiers: [Int64] = [1000, 10_000, 100_000, 1_000_000]

    /// Nodes that are trusted to be honest, besides our own: PageRank starts there.
    public var trustedNodes: [NodeID]
    /// Where paths start when the graph does not hold our own node; the best connected node when `nil`.
    public var fallbackSource: NodeID?

    public init(trustedNodes: [NodeID] = [], fallbackSource: NodeID? = nil) {
        self.trustedNodes = trustedNodes
        self.fallbackSource = fallbackSource
    }
}
