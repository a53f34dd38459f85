// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The probability that the money on one hop suffices, under every hypothesis about balances.
struct HopForecast {
    /// By hypothesis.
    private(set) var byHypothesis: [Double]
    /// Averaged over the hypotheses, by how long knowledge lasts.
    private(set) var byMemory: MemoryLanes = .zero
    /// How the average moves with the log odds that `node1`'s end is the empty one.
    private(set) var leanGradient = 0.0
    /// Averaged over everything.
    private(set) var liquidity = 0.0

    /// What a forecast is made from.
    struct Question {
        let capacity: Double
        let amount: Double
        /// Whether `node2` sends.
        let isReversed: Bool
        /// Log odds, by slope, that `node1`'s end is the empty one.
        let odds: SIMD4<Double>
        let belief: ChannelBelief?
        let time: Double
    }

    /// - Parameters:
    ///   - weights: of the hypotheses, summing to 1.
    ///   - memories: of the memories, summing to 1.
    init(_ question: Question, weights: [Double], memories: MemoryLanes) {
        let hypotheses = BalanceHypothesis.all
        byHypothesis = [Double](repeating: 0, count: hypotheses.count)
        guard question.capacity > 0, question.amount <= question.capacity else { return }
        let shapes = BalanceShapes(capacity: question.capacity)
        let plain = BoundedBalance(question, atLeast: nil, atMost: nil, shapes)
        let bounded = Self.bounded(question, shapes)
        let plainShare = 1 - bounded.reduce(MemoryLanes.zero) { $0 + $1.weight }
        let slopes = EndWeights(odds: question.odds)
        for index in hypotheses.indices {
            let hypothesis = hypotheses[index]
            let (low, high) = slopes.weights(of: hypothesis)
            let first = plain.probability(hypothesis.scale, low: low, high: high) ?? 0
            var lanes = plainShare * first
            for other in bounded {
                lanes += other.weight * (other.balance.probability(hypothesis.scale, low: low, high: high) ?? first)
            }
            let probability = min(1, max(0, (lanes * memories).sum()))
            byHypothesis[index] = probability
            byMemory += weights[index] * lanes
            liquidity += weights[index] * probability
            guard weights[index] > 1e-3 else { continue }
            leanGradient += weights[index] * plain.gradient(hypothesis, slopes)
        }
        leanGradient *= (plainShare * memories).sum()
    }

    /// The cases in which one or both bounds still hold, with their weights by memory.
    private static func bounded(
        _ question: Question,
        _ shapes: BalanceShapes
    ) -> [(balance: BoundedBalance, weight: MemoryLanes)] {
        guard let belief = question.belief else { return [] }
        let one = MemoryLanes(repeating: 1)
        let low = belief.atLeast.map { Memory.remaining($0, at: question.time) } ?? .zero
        let high = belief.atMost.map { Memory.remaining($0, at: question.time) } ?? .zero
        var cases: [(balance: BoundedBalance, weight: MemoryLanes)] = []
        if let bound = belief.atLeast {
            cases.append((BoundedBalance(question, atLeast: bound, atMost: nil, shapes), low * (one - high)))
        }
        if let bound = belief.atMost {
            cases.append((BoundedBalance(question, atLeast: nil, atMost: bound, shapes), high * (one - low)))
            if let other = belief.atLeast {
                cases.append((BoundedBalance(question, atLeast: other, atMost: bound, shapes), low * high))
            }
        }
        return cases
    }
}

/// One lane per assumption about how long a balance stays what it was.
typealias MemoryLanes = SIMD4<Double>

/// How long knowledge about a balance lasts: four assumptions, weighed by how well they forecast.
enum Memory {
    /// Seconds: 8 hours, 2, 7 (LND's choice) and 30 days.
    static let lifetimes = MemoryLanes(8 * 3600, 2 * 86_400, 7 * 86_400, 30 * 86_400)

    static func remaining(_ bound: ChannelBelief.Bound, at time: Double) -> MemoryLanes {
        let age = max(0, time - bound.time)
        var lanes = MemoryLanes.zero
        for lane in 0..<4 { lanes[lane] = bound.weight * exp(-age / lifetimes[lane]) }
        return lanes
    }
}

/// The weights of the two ends of a channel, by slope.
struct EndWeights {
    /// That `node1`'s end is the empty one.
    let low: SIMD4<Double>

    init(odds: SIMD4<Double>) {
        var low = SIMD4<Double>.zero
        for slope in 0..<4 { low[slope] = logistic(odds[slope]) }
        self.low = low
    }

    /// The masses near the empty and the full end of `node1`.
    func weights(of hypothesis: BalanceHypothesis) -> (low: Double, high: Double) {
        let low = low[hypothesis.slope]
        switch hypothesis.side {
        case .either: return (hypothesis.share * low, hypothesis.share * (1 - low))
        case .larger: return (hypothesis.share * max(0, 2 * low - 1), hypothesis.share * max(0, 1 - 2 * low))
        }
    }

    /// How the two masses move with the log odds.
    func gradients(of hypothesis: BalanceHypothesis) -> (low: Double, high: Double) {
        let low = low[hypothesis.slope]
        let slope = hypothesis.share * low * (1 - low)
        switch hypothesis.side {
        case .either: return (slope, -slope)
        case .larger: return low > 0.5 ? (2 * slope, 0) : (0, -2 * slope)
        }
    }
}

/// The balance of a channel between two bounds, and the part of it that suffices.
struct BoundedBalance {
    /// The masses between the bounds, and those of them that suffice.
    private let all: BalanceShapes.Masses
    private let enough: BalanceShapes.Masses

    init(
        _ question: HopForecast.Question,
        atLeast: ChannelBelief.Bound?,
        atMost: ChannelBelief.Bound?,
        _ shapes: BalanceShapes
    ) {
        // Without a bound the payments moved since belong to a moment that no longer counts.
        let moved = atLeast == nil && atMost == nil ? 0 : question.belief?.moved ?? 0
        let capacity = question.capacity
        let low = max(0, moved, atLeast?.amount ?? 0)
        let high = max(low, min(capacity, capacity + moved, atMost?.amount ?? capacity))
        let needed = question.isReversed ? capacity - question.amount : question.amount
        let split = min(high, max(low, needed + moved))
        let (atLow, atHigh) = (shapes.masses(below: low), shapes.masses(below: high))
        let atSplit = shapes.masses(below: split)
        all = atHigh - atLow
        enough = question.isReversed ? atSplit - atLow : atHigh - atSplit
    }

    /// The probability that the money suffices, or `nil` when the bounds leave nothing.
    func probability(_ scale: Int, low: Double, high: Double) -> Double? {
        let total = all.weighted(scale, low: low, high: high)
        guard total > 1e-12 else { return nil }
        return enough.weighted(scale, low: low, high: high) / total
    }

    /// How the probability moves with the log odds that `node1`'s end is the empty one, without bounds.
    func gradient(_ hypothesis: BalanceHypothesis, _ slopes: EndWeights) -> Double {
        let (low, high) = slopes.gradients(of: hypothesis)
        return low * (enough.low[hypothesis.scale] - enough.uniform)
            + high * (enough.high[hypothesis.scale] - enough.uniform)
    }
}
