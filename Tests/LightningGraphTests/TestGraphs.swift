// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningGraph
import LightningPrimitives
import Testing

/// Loads a vector file of this target.
func vector<T: Decodable>(_ name: String, as type: T.Type = T.self) throws -> T {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
    return try JSONDecoder().decode(T.self, from: Data(contentsOf: url))
}

/// The path of a graph snapshot that ships with the project.
func snapshotPath(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Examples/graph/\(name).graph.json.gz").path
}

/// A node identity that depends on a number only.
func nodeID(_ number: Int) -> NodeID {
    var bytes = [UInt8](repeating: 0, count: 33)
    bytes[0] = 2
    bytes[31] = UInt8(number >> 8 & 0xFF)
    bytes[32] = UInt8(number & 0xFF)
    guard let id = NodeID(bytes) else { preconditionFailure("02 begins a key") }
    return id
}

/// A seeded generator (SplitMix64), so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// A gossip time that all test policies share.
let gossipTime: Int64 = 1_770_000_000

/// A policy with ordinary values.
func policy(
    base: Int64 = 1000,
    ppm: Int64 = 100,
    min: Int64 = 1000,
    max: Int64 = 0,
    disabled: Bool = false,
    delta: Int64 = 80,
    lastUpdate: Int64 = gossipTime
) -> ChannelPolicy {
    ChannelPolicy(
        baseFeeMsat: base,
        feePPM: ppm,
        timeLockDelta: delta,
        minHTLCMsat: min,
        maxHTLCMsat: max,
        isDisabled: disabled,
        lastUpdate: lastUpdate
    )
}

extension ChannelGraph {
    /// Adds a channel between two numbered nodes with the same policy both ways unless told otherwise.
    mutating func connect(
        _ a: Int,
        _ b: Int,
        sat: Int64,
        _ forward: ChannelPolicy? = policy(),
        _ back: ChannelPolicy? = policy()
    ) {
        let id = ShortChannelID(rawValue: UInt64(700_000 + channels.count) << 40)
        let (first, second) = (intern(nodeID(a)), intern(nodeID(b)))
        add(Channel(id: id, node1: first, node2: second, capacitySat: sat, policy1: forward, policy2: back))
    }
}
