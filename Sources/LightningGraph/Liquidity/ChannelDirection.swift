// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// One direction of a channel, by a name that outlives any one graph.
public struct ChannelDirection: Sendable, Hashable, Codable {
    /// The short channel id as one number.
    public let channel: UInt64
    /// Whether it leads from `node2` (the larger key) to `node1`.
    public let isReversed: Bool

    public init(_ channel: ShortChannelID, isReversed: Bool) {
        self.channel = channel.rawValue
        self.isReversed = isReversed
    }
}
