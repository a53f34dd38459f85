// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import TrustScore

/// All nodes and scores at one moment, in memory: every answer is a pure function of it.
///
/// Cheap to copy. Questions take microseconds; a search by alias takes 0.1 ms on mainnet.
public struct ScoreSnapshot: Sendable {
    /// Best score first; nodes without a score last.
    let records: [NodeRecord]
    let pass: PassRecord?
    /// Unix seconds of the loading; `nil` before the first.
    let loadedAt: Int64?
    private let byHash: [NodeHash: Int]
    private let aliases: AliasIndex
    /// Positions in `records` by axis.
    private let orders: [SortAxis: [Int]]
    let totals: Totals

    /// Sums over all nodes.
    struct Totals: Sendable {
        var nodes = 0
        var stale = 0
        var scored = 0
        var reachable = 0
        var capacitySat: Int64 = 0
    }

    /// A snapshot of nothing, before the first loading.
    public init() { self.init([], pass: nil, loadedAt: nil) }

    init(_ nodes: [NodeRecord], pass: PassRecord?, loadedAt: Int64?) {
        let records = nodes.sorted { a, b in
            let (first, second) = (a.scores?.score ?? -1, b.scores?.score ?? -1)
            return first != second ? first > second : a.id < b.id
        }
        self.records = records
        self.pass = pass
        self.loadedAt = loadedAt
        byHash = Dictionary(
            records.enumerated().map { ($0.element.hash, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
        aliases = AliasIndex(records.lazy.map(\.alias))
        var totals = Totals()
        for record in records {
            totals.nodes += 1
            totals.stale += record.isStale ? 1 : 0
            totals.scored += record.scores == nil ? 0 : 1
            totals.reachable += record.scores?.reach["1000"] == nil ? 0 : 1
            // Every channel has two ends.
            totals.capacitySat += record.capacitySat
        }
        self.totals = totals
        orders = Self.orders(of: records, at: loadedAt ?? 0)
    }

    /// Whether there is anything to answer from.
    public var isLoaded: Bool { loadedAt != nil }

    /// The position of a node, which is its rank less one, or `nil` for one nobody has seen.
    func position(of identifier: NodeIdentifier) -> Int? { byHash[identifier.hash] }

    func record(_ identifier: NodeIdentifier) -> NodeRecord? { position(of: identifier).map { records[$0] } }

    /// Positions in the order of an axis; nodes that left the graph come last.
    func order(_ axis: SortAxis) -> [Int] { orders[axis] ?? Array(records.indices) }

    /// Positions whose alias contains a text, best score first.
    func positions(matching alias: String) -> [Int] { aliases.matches(alias) }

    /// The orders that differ from the order by score, once something was observed.
    private static func orders(of records: [NodeRecord], at time: Int64) -> [SortAxis: [Int]] {
        guard records.contains(where: { $0.unobserved?.prior.level != .flat }) else { return [:] }
        let blocks = records.map { BayesianBlock($0, at: time) }
        var orders: [SortAxis: [Int]] = [:]
        for axis in SortAxis.allCases where axis != .score {
            let keys = blocks.map { axis.key($0) }
            orders[axis] = records.indices.sorted { keys[$0] != keys[$1] ? keys[$0] > keys[$1] : $0 < $1 }
        }
        return orders
    }
}

/// What lists of nodes can be ordered by.
public enum SortAxis: String, Sendable, Hashable, CaseIterable {
    /// Our score: the default.
    case score
    case pSuccess = "p_success"
    case observations = "n_obs"
    /// Narrow intervals first.
    case intervalWidth = "ci95_width"
    /// Recent evidence first.
    case freshness = "window_freshness"

    /// What the axis compares, greatest first.
    func key(_ block: BayesianBlock) -> Double {
        switch self {
        case .score: 0
        case .pSuccess: block.p_success
        case .observations: block.n_obs
        case .intervalWidth: -(block.ci95_high - block.ci95_low)
        case .freshness: Double(block.last_update ?? 0)
        }
    }
}
