// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import TrustScore

/// Something that was seen to work or to fail.
public struct Outcome: Sendable, Hashable {
    /// What it says something about.
    public enum Target: Sendable, Hashable {
        /// A Lightning node, by the hash of its key.
        case node([UInt8])
        /// A service, by the hash of its canonical URL.
        case endpoint([UInt8])
        /// Who runs services or nodes.
        case operatorID([UInt8])

        var kind: Int16 {
            switch self {
            case .node: 1
            case .endpoint: 2
            case .operatorID: 3
            }
        }

        var id: [UInt8] {
            switch self {
            case .node(let id), .endpoint(let id), .operatorID(let id): id
            }
        }
    }

    public let target: Target
    public let source: EvidenceSource
    /// The stage of an L402 call; `nil` for a node.
    public let stage: Stage?
    public let success: Bool
    /// More than 0; a probe weighs 1, a payment 2, an HTLC probe or settled payment through a node 3.
    public let weight: Double
    /// What exactly happened, from a closed set.
    public let label: String
    /// Unix seconds.
    public let observedAt: Int64

    public init(
        target: Target,
        source: EvidenceSource,
        stage: Stage?,
        success: Bool,
        weight: Double,
        label: String,
        observedAt: Int64
    ) {
        self.target = target
        self.source = source
        self.stage = stage
        self.success = success
        self.weight = weight
        self.label = label
        self.observedAt = observedAt
    }
}

/// The numbers that stand for sources and stages in the tables.
public enum EvidenceCode {
    public static func source(_ source: EvidenceSource) -> Int16 {
        switch source {
        case .probe: 1
        case .report: 2
        case .paid: 3
        }
    }

    public static func source(_ code: Int16) -> EvidenceSource? {
        EvidenceSource.allCases.first { source($0) == code }
    }

    /// 1 to 5 in the order of a call, 0 for none.
    public static func stage(_ stage: Stage?) -> Int16 {
        guard let stage, let index = Stage.allCases.firstIndex(of: stage) else { return 0 }
        return Int16(index + 1)
    }

    public static func stage(_ code: Int16) -> Stage? {
        Stage.allCases.indices.contains(Int(code) - 1) ? Stage.allCases[Int(code) - 1] : nil
    }
}
