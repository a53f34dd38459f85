// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Positions of values among each other, 0 (lowest) to 100 (highest).
public enum Percentile {
    /// SatRank's percentile: round(100 rank / (n - 1)), equal values in node order; 50 for a single value.
    public static func compatible(_ values: [Double]) -> [Int] {
        guard values.count > 1 else { return values.map { _ in 50 } }
        var result = [Int](repeating: 0, count: values.count)
        for (rank, index) in ascending(values).enumerated() {
            result[index] = Int((100 * Double(rank) / Double(values.count - 1) + 0.5).rounded(.down))
        }
        return result
    }

    /// Percentile in which equal values share the mean of their ranks; 50 for a single value.
    public static func averaged(_ values: [Double]) -> [Double] {
        guard values.count > 1 else { return values.map { _ in 50 } }
        var result = [Double](repeating: 0, count: values.count)
        let order = ascending(values)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            let rank = Double(start + end - 1) / 2
            for index in order[start..<end] { result[index] = 100 * rank / Double(values.count - 1) }
            start = end
        }
        return result
    }

    private static func ascending(_ values: [Double]) -> [Int] {
        values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    }
}
