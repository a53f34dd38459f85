// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
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
        /// A closed channel keeps its number and nothing else.
        var isClosed = false
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
    /// Whether the graph is another one than its file's.
    var isChanged = false
    private var isLoaded = false

    /// Takes a record of the graph; one without the necessary fields is left out.
    mutating func take(_ list: RecordSplitter.List, _ record: [UInt8], at place: Place) {
        switch list {
        case .nodes:
            guard let node = try? JSONDecoder().decode(NodeRecord.self, from: Data(record)),
                let id = NodeID(hex: node.pub_key)
            else { return }
            vertices[vertex(id)].place = place
        case .edges:
            guard let edge = try? JSONDecoder().decode(EdgeRecord.self, from: Data(record)) else { return }
            takeEdge(edge, at: place)
        case .other: return
        }
    }

    private mutating func takeEdge(_ record: EdgeRecord, at place: Place) {
        guard let id = record.channel_id.digits.flatMap({ UInt64($0) }), let one = NodeID(hex: record.node1_pub),
            let two = NodeID(hex: record.node2_pub)
        else { return }
        let channel = Channel(
            id: id,
            place: place,
            capacitySat: Self.capacity(record.capacity),
            node1: vertex(one),
            node2: vertex(two),
            policy1: record.node1_policy.map(Self.policy),
            policy2: record.node2_policy.map(Self.policy)
        )
        if let known = channelOf[id] {
            // The ends of a channel never change; a file that says otherwise is not believed.
            guard isLoaded, channels[known].node1 == channel.node1, channels[known].node2 == channel.node2 else {
                return
            }
            channels[known] = channel
            return
        }
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

    private static func policy(_ record: EdgeRecord.PolicyRecord) -> Policy {
        func number(_ node: JSONNode?) -> Int64 { node?.digits.flatMap { Int64($0) } ?? 0 }
        return Policy(
            feeBaseMsat: number(record.fee_base_msat),
            feeRate: number(record.fee_rate_milli_msat),
            minMsat: number(record.min_htlc),
            maxMsat: number(record.max_htlc_msat),
            timeLockDelta: Int(UInt16(clamping: number(record.time_lock_delta))),
            isDisabled: record.disabled?.bool ?? false
        )
    }

    /// The sum of the capacities of a node's channels, in satoshis.
    func capacity(of vertex: Int) -> Int64 {
        vertices[vertex].channels.reduce(0) { $0 + channels[Int($1)].capacitySat }
    }

    /// The node with the greatest capacity, which the sandbox's accounts count as their neighbour.
    private(set) var hub: Int?

    /// Takes a channel out of the graph.
    mutating func close(_ id: UInt64) {
        guard let number = channelOf.removeValue(forKey: id) else { return }
        channels[number].isClosed = true
        for node in [channels[number].node1, channels[number].node2] {
            vertices[node].channels.removeAll { $0 == Int32(number) }
        }
    }

    /// Draws the conclusions that need the whole graph.
    mutating func finish() {
        isLoaded = true
        hub = vertices.indices.max { capacity(of: $0) < capacity(of: $1) }
    }
}

/// A node of the graph file, as far as the index needs it.
private struct NodeRecord: Decodable {
    let pub_key: String
}

/// A channel of the graph file, as far as the index needs it.
private struct EdgeRecord: Decodable {
    struct PolicyRecord: Decodable {
        let fee_base_msat: JSONNode?
        let fee_rate_milli_msat: JSONNode?
        let min_htlc: JSONNode?
        let max_htlc_msat: JSONNode?
        let time_lock_delta: JSONNode?
        let disabled: JSONNode?
    }
    let channel_id: JSONNode
    let node1_pub: String
    let node2_pub: String
    let capacity: JSONNode?
    let node1_policy: PolicyRecord?
    let node2_policy: PolicyRecord?
}
