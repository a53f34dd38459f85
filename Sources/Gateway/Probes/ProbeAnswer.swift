// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
internal import ServiceProbing

/// A probe as callers read it: what was found, beside what it has cost.
struct ProbeAnswer: Encodable {
    struct Cost: Encodable {
        /// Whole satoshi, rounded up: the name that SatRank's clients know.
        let creditsDeducted: Int64
        let chargedMsat: Int64
        /// What was spent on the target and on the way there.
        let spentMsat: Int64
        /// What was held while nobody knew.
        let heldMsat: Int64?
    }

    let id: ProbeID
    let state: ProbeStatus.State
    let result: ProbeResult?
    let cost: Cost?

    private enum Keys: String, CodingKey { case id, state, cost }

    func encode(to encoder: any Encoder) throws {
        try result?.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(id.description, forKey: .id)
        try container.encode(state, forKey: .state)
        try container.encodeIfPresent(cost, forKey: .cost)
    }
}

/// What probes for callers cost, and what they may ask for.
public struct ProbePrices: Sendable {
    /// On top of what is spent.
    public var base: MilliSatoshi
    /// Of a probe that pays nothing.
    public var look: MilliSatoshi
    /// The most a target's invoice may ask for.
    public var maximum: MilliSatoshi
    public var feeLimit: MilliSatoshi

    public init(base: MilliSatoshi, look: MilliSatoshi, maximum: MilliSatoshi, feeLimit: MilliSatoshi) {
        self.base = base
        self.look = look
        self.maximum = maximum
        self.feeLimit = feeLimit
    }

    /// What is due for a probe: never more than was held for it.
    func due(_ billing: ProbeBilling, spent: MilliSatoshi, held: MilliSatoshi) -> MilliSatoshi {
        switch billing {
        case .probe: min(held, base + spent)
        case .look: min(held, look)
        case .none: .zero
        }
    }
}
