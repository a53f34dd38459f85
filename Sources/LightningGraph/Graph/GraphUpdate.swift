// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What one line of LND's graph subscription says has changed.
public struct GraphUpdate: Sendable, Hashable {
    /// One direction of a channel has a new policy; the first one makes the channel known.
    public struct PolicyChange: Sendable, Hashable {
        public var channel: ShortChannelID
        /// The node whose policy it is.
        public var from: NodeID
        /// The node at the other end.
        public var to: NodeID
        /// Size of the funding output in sat, 0 to 21e14.
        public var capacitySat: Int64
        /// `nil` when the numbers made no sense: they are unknown from now on.
        public var policy: ChannelPolicy?

        public init(
            channel: ShortChannelID,
            from: NodeID,
            to: NodeID,
            capacitySat: Int64,
            policy: ChannelPolicy?
        ) {
            self.channel = channel
            self.from = from
            self.to = to
            self.capacitySat = capacitySat
            self.policy = policy
        }
    }

    /// A node has announced itself; LND's line does not tell the announcement's time.
    public struct Announcement: Sendable, Hashable {
        public var node: NodeID
        /// As in ``GraphNode/alias``.
        public var alias: String

        public init(node: NodeID, alias: String) {
            self.node = node
            self.alias = alias
        }
    }

    public var announcements: [Announcement]
    public var policies: [PolicyChange]
    public var closed: [ShortChannelID]
    /// Elements that made no sense and are left out.
    public internal(set) var badElements = 0

    public init(
        announcements: [Announcement] = [],
        policies: [PolicyChange] = [],
        closed: [ShortChannelID] = []
    ) {
        self.announcements = announcements
        self.policies = policies
        self.closed = closed
    }
}

/// What has changed in a graph since it was last looked at.
public struct GraphDelta: Sendable, Hashable {
    /// One direction of a channel.
    public struct Direction: Sendable, Hashable {
        public let channel: ShortChannelID
        /// 0 from the node with the smaller key, 1 from the other.
        public let direction: Int
    }

    /// Nodes whose facts may be others; some may have left the graph.
    public internal(set) var nodes: Set<NodeID> = []
    /// Channels that are new.
    public internal(set) var channels: Set<ShortChannelID> = []
    /// Directions whose policy was replaced.
    public internal(set) var policies: Set<Direction> = []
    /// Channels that are gone.
    public internal(set) var closed: Set<ShortChannelID> = []

    public init() {}

    public var isEmpty: Bool { nodes.isEmpty && channels.isEmpty && policies.isEmpty && closed.isEmpty }

    /// Adds what changed after this, so that both are one change.
    public mutating func append(_ later: GraphDelta) {
        nodes.formUnion(later.nodes)
        policies.formUnion(later.policies)
        channels.formUnion(later.channels)
        closed.formUnion(later.closed)
        // A channel that came back is only new, one that left is only gone.
        channels.subtract(later.closed)
        closed.subtract(later.channels)
        policies = policies.filter { !closed.contains($0.channel) }
    }
}
