// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// A public channel and what its two ends ask.
public struct Channel: Sendable, Hashable {
    public var id: ShortChannelID
    /// Index of the node with the smaller public key.
    public var node1: Int32
    /// Index of the other node.
    public var node2: Int32
    /// Size of the funding output in sat, 0 to 21e14.
    public var capacitySat: Int64
    /// What `node1` asks for forwarding to `node2`; `nil` when it never said or said nonsense.
    public var policy1: ChannelPolicy?
    /// What `node2` asks for forwarding to `node1`.
    public var policy2: ChannelPolicy?

    public init(
        id: ShortChannelID,
        node1: Int32,
        node2: Int32,
        capacitySat: Int64,
        policy1: ChannelPolicy?,
        policy2: ChannelPolicy?
    ) {
        self.id = id
        self.node1 = node1
        self.node2 = node2
        self.capacitySat = capacitySat
        self.policy1 = policy1
        self.policy2 = policy2
    }

    /// The policy of direction 0 (from `node1`) or 1 (from `node2`).
    public func policy(direction: Int) -> ChannelPolicy? { direction == 0 ? policy1 : policy2 }

    /// Whether one direction is enabled and was confirmed at or after a time.
    ///
    /// - Parameter oldest: Unix seconds; older policies do not count.
    public func isLive(since oldest: Int64) -> Bool {
        [policy1, policy2].contains { policy in
            guard let policy else { return false }
            return !policy.isDisabled && policy.lastUpdate >= oldest
        }
    }
}
