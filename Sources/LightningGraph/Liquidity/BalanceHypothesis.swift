// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One assumption about where money lies in all channels of the network.
///
/// A balance is uniform with probability 1 - ``share``, else it lies near an end of the channel, falling off
/// exponentially. Nested in this family are the assumption of Pickhardt and Richter (share 0: uniform), that of LND
/// (share 1, lean 0, 300,000 sat: bimodal), and the depletion towards one end that measurements have reported.
struct BalanceHypothesis: Sendable, Hashable {
    /// Who sits at the empty end.
    enum Side: Sendable, Hashable {
        /// Either, the larger node with odds e^(slope x lean).
        case either
        /// The larger node if the slope is positive, and the more surely so the more the ends differ; channels of equals
        /// are uniform.
        case larger
    }

    let share: Double
    /// Index into ``scales``.
    let scale: Int
    /// Index into ``slopes``.
    let slope: Int
    let side: Side
    /// Weight before anything was observed.
    let prior: Double

    /// How far money spreads from an end: in msat, or as a share of the capacity.
    enum Scale: Sendable, Hashable {
        case msat(Double)
        case capacityShare(Double)
    }

    static let scales: [Scale] = [
        .msat(100_000_000), .msat(300_000_000), .msat(1_000_000_000), .capacityShare(0.05), .capacityShare(0.2),
    ]
    static let slopes: [Double] = [-1, 0, 0.7, 1.6]

    /// All assumptions that take part, the weights summing to 1.
    ///
    /// Each of the three published kinds has about a third: with nothing observed that is the mixture that loses least
    /// whichever holds. Within a kind the parameters share equally, save that LND's own scale counts double.
    static let all: [BalanceHypothesis] = {
        var list = [(BalanceHypothesis(share: 0, scale: 0, slope: 1, side: .either, prior: 0), 0.32)]
        func add(_ total: Double, _ shares: [Double], _ slopes: [Int], _ side: Side) {
            let weights = scales.map { $0 == .msat(300_000_000) ? 2.0 : 1.0 }
            let sum = weights.reduce(0, +) * Double(shares.count * slopes.count)
            for share in shares {
                for scale in scales.indices {
                    for slope in slopes {
                        let one = BalanceHypothesis(share: share, scale: scale, slope: slope, side: side, prior: 0)
                        list.append((one, total * weights[scale] / sum))
                    }
                }
            }
        }
        add(0.33, [0.4, 0.7, 1], [1], .either)
        add(0.15, [0.7, 1], [2, 3], .either)
        add(0.16, [0.5, 0.9], [2, 3], .larger)
        add(0.04, [0.5, 0.9], [0], .larger)
        return list.map { BalanceHypothesis($0.0, prior: $0.1) }
    }()

    private init(share: Double, scale: Int, slope: Int, side: Side, prior: Double) {
        self.share = share
        self.scale = scale
        self.slope = slope
        self.side = side
        self.prior = prior
    }

    private init(_ other: BalanceHypothesis, prior: Double) {
        self.init(share: other.share, scale: other.scale, slope: other.slope, side: other.side, prior: prior)
    }
}
