// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The shares of money under every scale, for one channel: distribution functions of the three shapes.
struct BalanceShapes {
    let capacity: Double
    /// e^(-capacity/s) by scale, and s.
    private var spread = Lanes(repeating: 1)
    private var atEnd = Lanes.zero

    /// One lane per scale; the last three are not used.
    typealias Lanes = SIMD8<Double>

    init(capacity: Double) {
        self.capacity = capacity
        for index in BalanceHypothesis.scales.indices {
            switch BalanceHypothesis.scales[index] {
            case .msat(let value): spread[index] = value
            case .capacityShare(let share): spread[index] = share * capacity
            }
            atEnd[index] = exp(-capacity / spread[index])
        }
    }

    /// Probability masses below a balance: uniform, and by scale near the empty and near the full end.
    struct Masses {
        var uniform = 0.0
        var low = Lanes.zero
        var high = Lanes.zero
    }

    func masses(below amount: Double) -> Masses {
        var masses = Masses()
        guard amount > 0 else { return masses }
        guard amount < capacity else {
            masses.uniform = 1
            masses.low = Lanes(repeating: 1)
            masses.high = Lanes(repeating: 1)
            return masses
        }
        masses.uniform = amount / capacity
        for index in BalanceHypothesis.scales.indices {
            let fall = exp(-amount / spread[index])
            let norm = 1 - atEnd[index]
            masses.low[index] = (1 - fall) / norm
            // e^((amount - capacity)/s), whose factors may be 0 and infinity.
            masses.high[index] = (fall > 1e-200 ? atEnd[index] / fall - atEnd[index] : rise(amount, index)) / norm
        }
        return masses
    }

    private func rise(_ amount: Double, _ index: Int) -> Double {
        exp((amount - capacity) / spread[index]) - atEnd[index]
    }
}

extension BalanceShapes.Masses {
    static func - (left: Self, right: Self) -> Self {
        Self(uniform: left.uniform - right.uniform, low: left.low - right.low, high: left.high - right.high)
    }

    /// The mass of a mixture.
    func weighted(_ scale: Int, low: Double, high: Double) -> Double {
        (1 - low - high) * uniform + low * self.low[scale] + high * self.high[scale]
    }
}
