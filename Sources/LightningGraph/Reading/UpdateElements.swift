// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives

extension GraphUpdate {
    /// Reads a line of `GET /v1/graph/subscribe`, `{"result": {...}}`.
    ///
    /// Never fails: what makes no sense is counted in ``badElements`` and left out, because gossip is foreign text and one
    /// bad message must not cost the others.
    public init(line: [UInt8]) {
        self.init()
        guard let line = try? JSONDecoder().decode(UpdateLine.self, from: Data(line)) else {
            badElements = 1
            return
        }
        announcements = line.result.nodes.compactMap { $0.element?.announcement }
        policies = line.result.channels.compactMap { $0.element?.change }
        closed = line.result.closed.compactMap { $0.element?.channel }
        let elements = line.result.nodes.count + line.result.channels.count + line.result.closed.count
        badElements = elements - announcements.count - policies.count - closed.count + line.result.badLists
    }
}

private struct UpdateLine: Decodable {
    struct Result: Decodable {
        var nodes: [Tolerated<NodeUpdateElement>] = []
        var channels: [Tolerated<ChannelUpdateElement>] = []
        var closed: [Tolerated<ClosedChannelElement>] = []
        /// Members that are there and not a list.
        var badLists = 0

        private enum Key: String, CodingKey {
            case nodes = "node_updates"
            case channels = "channel_updates"
            case closed = "closed_chans"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            func list<Element>(_ type: Element.Type, _ key: Key) -> [Tolerated<Element>] {
                do {
                    return try container.decodeIfPresent([Tolerated<Element>].self, forKey: key) ?? []
                } catch {
                    badLists += 1
                    return []
                }
            }
            nodes = list(NodeUpdateElement.self, .nodes)
            channels = list(ChannelUpdateElement.self, .channels)
            closed = list(ClosedChannelElement.self, .closed)
        }
    }

    let result: Result
}

/// An element of `node_updates`.
private struct NodeUpdateElement: Decodable {
    let announcement: GraphUpdate.Announcement

    private enum Key: String, CodingKey {
        case node = "identity_key"
        case alias
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let node = NodeID(hex: try container.decode(String.self, forKey: .node)) else { throw BadElement() }
        let alias = (try? container.decodeIfPresent(String.self, forKey: .alias)) ?? ""
        announcement = GraphUpdate.Announcement(node: node, alias: NodeElement.displayable(alias))
    }
}

/// An element of `channel_updates`.
private struct ChannelUpdateElement: Decodable {
    let change: GraphUpdate.PolicyChange

    private enum Key: String, CodingKey {
        case id = "chan_id"
        case capacity
        case policy = "routing_policy"
        case from = "advertising_node"
        case to = "connecting_node"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let from = NodeID(hex: try container.decode(String.self, forKey: .from)),
            let to = NodeID(hex: try container.decode(String.self, forKey: .to)), from != to,
            // A message that announces no policy announces nothing.
            container.contains(.policy), try !container.decodeNil(forKey: .policy)
        else { throw BadElement() }
        change = GraphUpdate.PolicyChange(
            channel: try container.shortChannelID(.id),
            from: from,
            to: to,
            capacitySat: try container.integer(.capacity, in: 0...MilliSatoshi.supply.satFloor, isText: true),
            policy: try? container.decode(PolicyElement.self, forKey: .policy).policy
        )
    }
}

/// An element of `closed_chans`.
private struct ClosedChannelElement: Decodable {
    let channel: ShortChannelID

    private enum Key: String, CodingKey { case id = "chan_id" }

    init(from decoder: any Decoder) throws {
        channel = try decoder.container(keyedBy: Key.self).shortChannelID(.id)
    }
}
