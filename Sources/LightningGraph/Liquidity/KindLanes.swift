// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Operations on 32 lanes by halves and through memory: reading or writing single lanes by a variable index copies all
/// of them each time.
extension SIMD32<Double> {
    /// The sum of the lanes.
    var total: Double {
        let eight = lowHalf.lowHalf + lowHalf.highHalf + highHalf.lowHalf + highHalf.highHalf
        let two = eight.lowHalf.lowHalf + eight.lowHalf.highHalf + eight.highHalf.lowHalf + eight.highHalf.highHalf
        return two.x + two.y
    }

    /// The largest lane.
    var largest: Double {
        let sixteen = pointwiseMax(lowHalf, highHalf)
        let eight = pointwiseMax(sixteen.lowHalf, sixteen.highHalf)
        let four = pointwiseMax(eight.lowHalf, eight.highHalf)
        return Swift.max(four.x, four.y, four.z, four.w)
    }

    /// Lanes made from these one by one.
    func mapped(_ transform: (Double) -> Double) -> Self {
        var lanes = self
        withUnsafeMutableBytes(of: &lanes) { bytes in
            let values = bytes.assumingMemoryBound(to: Double.self)
            for index in 0..<32 { values[index] = transform(values[index]) }
        }
        return lanes
    }

    /// Four values, eight lanes each.
    init(eightTimes a: Double, _ b: Double, _ c: Double, _ d: Double) {
        self.init(
            lowHalf: SIMD16(lowHalf: SIMD8(repeating: a), highHalf: SIMD8(repeating: b)),
            highHalf: SIMD16(lowHalf: SIMD8(repeating: c), highHalf: SIMD8(repeating: d))
        )
    }
}
