// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

extension LiquidityModel {
    /// Everything a model has learnt.
    public struct State: Sendable {
        /// How many nodes seen weigh as much as what is thought of a group beforehand.
        static let groupNodes = 15.0

        /// ln of the likelihood of what was seen, by hypothesis.
        var evidence = [Double](repeating: 0, count: BalanceHypothesis.all.count)
        var memoryEvidence = MemoryLanes.zero
        /// Time of the last outcome, Unix seconds.
        var time = 0.0
        var recalibration = Recalibration()
        /// By short channel id.
        var channels: [UInt64: ChannelBelief] = [:]
        var nodes: [NodeID: NodeBelief] = [:]
        /// Nodes seen, by what they seem to be.
        var kindsSeen = KindLanes.zero
        /// The same nodes, by what they were thought to be before.
        var kindsExpected = KindLanes.zero
        var kindsByGroup = [KindLanes](repeating: .zero, count: NodeGroup.count)

        /// The state of a model that knows nothing.
        public init() {}
    }
}

extension LiquidityModel.State: Codable {
    private enum Key: String, CodingKey {
        case hypotheses, memories, time, recalibration, channels, nodes, kindsSeen, kindsExpected, kindsByGroup
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init()
        let known = try container.decode([Double].self, forKey: .hypotheses)
        // Another version's hypotheses are other hypotheses.
        if known.count == evidence.count { evidence = known }
        memoryEvidence = try container.decode(MemoryLanes.self, forKey: .memories)
        time = try container.decode(Double.self, forKey: .time)
        recalibration = try container.decode(Recalibration.self, forKey: .recalibration)
        channels = try container.decode([UInt64: ChannelBelief].self, forKey: .channels)
        for (key, node) in try container.decode([String: NodeBelief].self, forKey: .nodes) {
            guard let id = NodeID(hex: key) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .nodes,
                    in: container,
                    debugDescription: "not a node: \(key)"
                )
            }
            nodes[id] = node
        }
        kindsSeen = try container.decode(KindLanes.self, forKey: .kindsSeen)
        kindsExpected = try container.decode(KindLanes.self, forKey: .kindsExpected)
        let groups = try container.decode([KindLanes].self, forKey: .kindsByGroup)
        if groups.count == kindsByGroup.count { kindsByGroup = groups }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(evidence, forKey: .hypotheses)
        try container.encode(memoryEvidence, forKey: .memories)
        try container.encode(time, forKey: .time)
        try container.encode(recalibration, forKey: .recalibration)
        try container.encode(channels, forKey: .channels)
        let named = nodes.map { ($0.key.hex, $0.value) }
        try container.encode(Dictionary(named, uniquingKeysWith: { $1 }), forKey: .nodes)
        try container.encode(kindsSeen, forKey: .kindsSeen)
        try container.encode(kindsExpected, forKey: .kindsExpected)
        try container.encode(kindsByGroup, forKey: .kindsByGroup)
    }
}
