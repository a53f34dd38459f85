// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives

/// An element of an array that may be bad: `nil` instead of an error, so that its neighbours survive.
struct Tolerated<Element: Decodable>: Decodable {
    let element: Element?

    init(from decoder: any Decoder) throws { element = try? Element(from: decoder) }
}

/// What ``Elements`` refuses; only ever counted.
struct BadElement: Error {}

extension KeyedDecodingContainer {
    /// A whole number that LND writes as text (64 bits) or as a number (32 bits); absent or null is zero.
    ///
    /// - Throws: when it is something else or out of range. Text beyond 64 bits is out of every range.
    func integer(_ key: Key, in range: ClosedRange<Int64>, isText: Bool) throws -> Int64 {
        guard contains(key), try !decodeNil(forKey: key) else { return 0 }
        let value: Int64
        if isText, let text = try? decode(String.self, forKey: key) {
            guard let parsed = Int64(text) else { throw BadElement() }
            value = parsed
        } else if let number = try? decode(Int64.self, forKey: key) {
            value = number
        } else {
            guard let parsed = Int64(try decode(String.self, forKey: key)) else { throw BadElement() }
            value = parsed
        }
        guard range.contains(value) else { throw BadElement() }
        return value
    }

    /// A channel's number, as text or as a number.
    func shortChannelID(_ key: Key) throws -> ShortChannelID {
        let value: UInt64
        if let text = try? decode(String.self, forKey: key) {
            guard let parsed = UInt64(text) else { throw BadElement() }
            value = parsed
        } else {
            value = try decode(UInt64.self, forKey: key)
        }
        // The stores keep it as a signed 64-bit number; a height of 23 bits lasts until the year 2168.
        guard value > 0, value <= UInt64(Int64.max) else { throw BadElement() }
        return ShortChannelID(rawValue: value)
    }

    fileprivate func flag(_ key: Key) throws -> Bool { try decodeIfPresent(Bool.self, forKey: key) ?? false }
}

/// An element of `nodes`.
struct NodeElement: Decodable {
    let node: GraphNode

    private enum Key: String, CodingKey {
        case publicKey = "pub_key"
        case alias
        case lastUpdate = "last_update"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = NodeID(hex: try container.decode(String.self, forKey: .publicKey)) else { throw BadElement() }
        let alias = (try? container.decodeIfPresent(String.self, forKey: .alias)) ?? ""
        let lastUpdate = (try? container.integer(.lastUpdate, in: 0...UInt32.limit, isText: false)) ?? 0
        node = GraphNode(id: id, alias: Self.displayable(alias), lastUpdate: lastUpdate)
    }

    /// The alias without control characters, cut at 128 bytes; BOLT 7 allows 32.
    static func displayable(_ alias: String) -> String {
        let isPlain = alias.utf8.count <= 128 && alias.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        if isPlain { return alias }
        var result = ""
        for scalar in alias.unicodeScalars where scalar.properties.generalCategory != .control {
            guard result.utf8.count + UTF8.width(scalar) <= 128 else { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}

/// `node1_policy` and `node2_policy` of an edge.
struct PolicyElement: Decodable {
    let policy: ChannelPolicy

    private enum Key: String, CodingKey {
        case timeLockDelta = "time_lock_delta"
        case minHTLC = "min_htlc"
        case baseFee = "fee_base_msat"
        case feeRate = "fee_rate_milli_msat"
        case isDisabled = "disabled"
        case maxHTLC = "max_htlc_msat"
        case lastUpdate = "last_update"
        case inboundBaseFee = "inbound_fee_base_msat"
        case inboundFeeRate = "inbound_fee_rate_milli_msat"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let signed = Int64(Int32.min)...Int64(Int32.max)
        policy = ChannelPolicy(
            baseFeeMsat: try container.integer(.baseFee, in: 0...UInt32.limit, isText: true),
            feePPM: try container.integer(.feeRate, in: 0...UInt32.limit, isText: true),
            timeLockDelta: try container.integer(.timeLockDelta, in: 0...UInt32.limit, isText: false),
            minHTLCMsat: try container.integer(.minHTLC, in: 0...Int64.max, isText: true),
            maxHTLCMsat: try Self.maximum(container),
            inboundBaseFeeMsat: try container.integer(.inboundBaseFee, in: signed, isText: false),
            inboundFeePPM: try container.integer(.inboundFeeRate, in: signed, isText: false),
            isDisabled: try container.flag(.isDisabled),
            lastUpdate: try container.integer(.lastUpdate, in: 0...UInt32.limit, isText: false)
        )
    }

    /// The largest HTLC; an unsigned 64-bit value means "no limit of mine" and becomes the largest `Int64`.
    private static func maximum(_ container: KeyedDecodingContainer<Key>) throws -> Int64 {
        if let text = try? container.decodeIfPresent(String.self, forKey: .maxHTLC), let value = UInt64(text) {
            return Int64(clamping: value)
        }
        return try container.integer(.maxHTLC, in: 0...Int64.max, isText: true)
    }
}

/// An element of `edges`.
struct EdgeElement: Decodable {
    let id: ShortChannelID
    let node1: NodeID
    let node2: NodeID
    let capacitySat: Int64
    let policy1: ChannelPolicy?
    let policy2: ChannelPolicy?
    /// Policies that were there but made no sense; they are unknown now.
    let badPolicies: Int

    private enum Key: String, CodingKey {
        case id = "channel_id"
        case node1 = "node1_pub"
        case node2 = "node2_pub"
        case capacity
        case policy1 = "node1_policy"
        case policy2 = "node2_policy"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let node1 = NodeID(hex: try container.decode(String.self, forKey: .node1)),
            let node2 = NodeID(hex: try container.decode(String.self, forKey: .node2)),
            node1 != node2
        else { throw BadElement() }
        self.node1 = node1
        self.node2 = node2
        id = try container.shortChannelID(.id)
        let supplySat = MilliSatoshi.supply.satFloor
        capacitySat = try container.integer(.capacity, in: 0...supplySat, isText: true)
        let first = Result { try container.decodeIfPresent(PolicyElement.self, forKey: .policy1)?.policy }
        let second = Result { try container.decodeIfPresent(PolicyElement.self, forKey: .policy2)?.policy }
        policy1 = try? first.get()
        policy2 = try? second.get()
        badPolicies = [first, second].count { if case .failure = $0 { true } else { false } }
    }
}

extension UInt32 {
    /// The largest value of the 32-bit fields of gossip.
    fileprivate static var limit: Int64 { Int64(UInt32.max) }
}
