// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives
internal import Synchronization

/// Changes of the graph, in the shape of LND's topology updates.
///
/// Networks in the sandbox have no gossip of their own: a developer says what has changed.
struct GraphChange: Sendable {
    private let body: JSONNode

    /// Reads the `result` of a line of `GET /v1/graph/subscribe`.
    init(_ bytes: [UInt8]) throws(RPCError) {
        guard let body = try? JSONDecoder().decode(JSONNode.self, from: Data(bytes)), case .object = body else {
            throw RPCError("the body is not a topology update: a JSON object", code: .invalidArgument)
        }
        self.body = body
    }

    /// What subscribers are told.
    var json: JSON {
        ["node_updates", "channel_updates", "closed_chans"].reduce(into: JSON.object([])) { json, name in
            guard case .object(let fields) = json else { return }
            let list = (body[name]?.elements ?? []).map(\.json)
            json = .object(fields + [.init(name: name, value: .array(list))])
        }
    }

    /// Lets it happen.
    ///
    /// - Throws: what is missing; nothing has changed then but what stands before it in the update.
    func apply(to index: inout GraphIndex, _ records: RecordFile) throws {
        for node in body["node_updates"]?.elements ?? [] { try Self.node(node, &index, records) }
        for channel in body["channel_updates"]?.elements ?? [] { try Self.channel(channel, &index, records) }
        for channel in body["closed_chans"]?.elements ?? [] { index.close(try Self.identifier(channel)) }
        index.isChanged = true
        index.finish()
    }

    private static func identifier(_ node: JSONNode) throws(RPCError) -> UInt64 {
        guard let id = node["chan_id"]?.digits.flatMap({ UInt64($0) }) else {
            throw RPCError("a channel without a chan_id", code: .invalidArgument)
        }
        return id
    }

    private static func key(_ node: JSONNode?) throws(RPCError) -> NodeID {
        guard let id = node?.string.flatMap({ NodeID(hex: $0) }) else {
            throw RPCError("a node without a public key", code: .invalidArgument)
        }
        return id
    }

    private static func node(_ node: JSONNode, _ index: inout GraphIndex, _ records: RecordFile) throws {
        let id = try key(node["identity_key"])
        var members: [String: JSONNode] = ["pub_key": .string(id.hex), "last_update": .number("0")]
        if let place = index.vertexOf[id].flatMap({ index.vertices[$0].place }) {
            members = try Self.members(of: place, records)
        }
        for name in ["alias", "color", "last_update"] { if let value = node[name] { members[name] = value } }
        index.take(.nodes, JSONNode.object(members), records)
    }

    private static func channel(_ update: JSONNode, _ index: inout GraphIndex, _ records: RecordFile) throws {
        let id = try identifier(update)
        let (from, to) = (try key(update["advertising_node"]), try key(update["connecting_node"]))
        let policy = update["routing_policy"] ?? .null
        let ends = [from, to].sorted()
        var members: [String: JSONNode] = [
            "channel_id": .string(String(id)), "chan_point": .string(""), "node1_pub": .string(ends[0].hex),
            "node2_pub": .string(ends[1].hex), "capacity": update["capacity"] ?? .string("0"),
        ]
        if let channel = index.channelOf[id] { members = try Self.members(of: index.channels[channel].place, records) }
        let isFirst = members["node1_pub"]?.string == from.hex
        guard isFirst || members["node2_pub"]?.string == from.hex else {
            throw RPCError("channel \(id) is not one of \(from.hex)", code: .invalidArgument)
        }
        members[isFirst ? "node1_policy" : "node2_policy"] = policy
        if let last = policy["last_update"] { members["last_update"] = last }
        index.take(.edges, JSONNode.object(members), records)
    }

    private static func members(of place: GraphIndex.Place, _ records: RecordFile) throws -> [String: JSONNode] {
        let node = try JSONDecoder().decode(JSONNode.self, from: Data(try records.read(place)))
        guard case .object(let members) = node else { return [:] }
        return members
    }
}

extension GraphIndex {
    /// Takes a record that is new or replaces an older one.
    fileprivate mutating func take(_ list: RecordSplitter.List, _ record: JSONNode, _ records: RecordFile) {
        let bytes = record.json.utf8
        guard let offset = try? records.append(bytes) else { return }
        take(list, bytes, at: Place(offset: offset, length: UInt32(bytes.count)))
    }
}

extension JSONNode {
    /// The value to be written; members in the order of their names.
    var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let digits): .raw(Array(digits.utf8))
        case .string(let text): .string(text)
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members):
            .object(members.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value.json) })
        }
    }
}

/// The graph's document written from its records, once they differ from the file.
final class RecordBytes: ByteSource {
    private struct State {
        var places: [GraphIndex.Place?]
        var next = 0
        var isOver = false
    }

    private static let chunk = 256 << 10

    private let records: RecordFile
    private let state: Mutex<State>

    init(_ loaded: Graph.Loaded) {
        records = loaded.records
        let nodes = loaded.index.vertices.compactMap(\.place)
        let channels = loaded.index.channels.filter { !$0.isClosed }.map(\.place)
        // The gap is where the second list begins.
        state = Mutex(State(places: nodes + [nil] + channels))
    }

    func next() throws -> [UInt8]? {
        try state.withLock { state in
            guard !state.isOver else { return nil }
            var bytes: [UInt8] = []
            if state.next == 0 { bytes += Array("{\"nodes\":[".utf8) }
            while state.next < state.places.count, bytes.count < Self.chunk {
                let isFirst = state.next == 0 || state.places[state.next - 1] == nil
                if let place = state.places[state.next] {
                    if !isFirst { bytes.append(UInt8(ascii: ",")) }
                    bytes += try records.read(place)
                } else {
                    bytes += Array("],\"edges\":[".utf8)
                }
                state.next += 1
            }
            if state.next == state.places.count {
                bytes += Array("]}".utf8)
                state.isOver = true
            }
            return bytes
        }
    }
}
