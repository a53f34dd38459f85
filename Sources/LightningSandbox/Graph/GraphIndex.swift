// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// What the node needs of the graph to answer for one node, one channel, or a route.
///
/// Built once in a pass over the graph file. The records themselves stay in an unlinked temporary file; memory holds
/// about 200 bytes a channel.
struct GraphIndex: Sendable {
    /// Where a record stands in the temporary file.
    struct Place: Sendable {
        let offset: UInt64
        let length: UInt32
    }

    /// One direction of a channel.
    struct Policy: Sendable {
        let feeBaseMsat: Int64
        /// Parts per million.
        let feeRate: Int64
        let minMsat: Int64
        /// Zero when there is no limit.
        let maxMsat: Int64
        let timeLockDelta: Int
        let isDisabled: Bool
    }

    struct Channel: Sendable {
        let id: UInt64
        let place: Place
        let capacitySat: Int64
        let node1: Int
        let node2: Int
        /// `nil` when no update was seen.
        let policy1: Policy?
        let policy2: Policy?
    }

    struct Vertex: Sendable {
        let id: NodeID
        /// `nil` for a node known only from its channels.
        var place: Place?
        var channels: [Int32] = []
    }

    private(set) var vertices: [Vertex] = []
    private(set) var channels: [Channel] = []
    private(set) var vertexOf: [NodeID: Int] = [:]
    private(set) var channelOf: [UInt64: Int] = [:]

    /// Takes a record of the graph; one without the necessary fields is left out.
    mutating func take(_ list: RecordSplitter.List, _ record: JSONNode, at place: Place) {
        switch list {
        case .nodes:
            guard let id = record["pub_key"]?.string.flatMap({ NodeID(hex: $0) }) else { return }
            vertices[vertex(id)].place = place
        case .edges: takeEdge(record, at: place)
        case .other: return
        }
    }

    private mutating func takeEdge(_ record: JSONNode, at place: Place) {
        guard let id = record["channel_id"]?.digits.flatMap({ UInt64($0) }),
            let one = record["node1_pub"]?.string.flatMap({ NodeID(hex: $0) }),
            let two = record["node2_pub"]?.string.flatMap({ NodeID(hex: $0) }), channelOf[id] == nil
        else { return }
        let channel = Channel(
            id: id,
            place: place,
            capacitySat: Self.capacity(record["capacity"]),
            node1: vertex(one),
            node2: vertex(two),
            policy1: Self.policy(record["node1_policy"]),
            policy2: Self.policy(record["node2_policy"])
        )
        channelOf[id] = channels.count
        vertices[channel.node1].channels.append(Int32(channels.count))
        vertices[channel.node2].channels.append(Int32(channels.count))
        channels.append(channel)
    }

    private mutating func vertex(_ id: NodeID) -> Int {
        if let index = vertexOf[id] { return index }
        vertexOf[id] = vertices.count
        vertices.append(Vertex(id: id))
        return vertices.count - 1
    }

    /// In satoshis; zero, as LND has it for an unknown one, also when it is more than there is bitcoin.
    private static func capacity(_ node: JSONNode?) -> Int64 {
        let number = node?.digits.flatMap { Int64($0) } ?? 0
        return (0...MilliSatoshi.supply.msat / 1000).contains(number) ? number : 0
    }

    private static func policy(_ node: JSONNode?) -> Policy? {
        guard let node, case .object = node.value else { return nil }
        func number(_ name: String) -> Int64 { node[name]?.digits.flatMap { Int64($0) } ?? 0 }
        return Policy(
            feeBaseMsat: number("fee_base_msat"),
            feeRate: number("fee_rate_milli_msat"),
            minMsat: number("min_htlc"),
            maxMsat: number("max_htlc_msat"),
            timeLockDelta: Int(UInt16(clamping: number("time_lock_delta"))),
            isDisabled: node["disabled"]?.bool ?? false
        )
    }

    /// The sum of the capacities of a node's channels, in satoshis.
    func capacity(of vertex: Int) -> Int64 {
        vertices[vertex].channels.reduce(0) { $0 + channels[Int($1)].capacitySat }
    }

    /// The node with the greatest capacity, which the sandbox's accounts count as their neighbour.
    private(set) var hub: Int?

    /// Draws the conclusions that need the whole graph.
    mutating func finish() {
        hub = vertices.indices.max { capacity(of: $0) < capacity(of: $1) }
    }
}
