// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One number per kind of node: eight shares of time up at each of four paces.
///
/// Four vectors of eight, because the compiler turns each of those into a few machine instructions.
struct KindLanes: Sendable, Hashable, Codable {
    static let count = 32
    static let zero = KindLanes(repeating: 0)

    /// By pace; a lane per share.
    private var a: SIMD8<Double>
    private var b: SIMD8<Double>
    private var c: SIMD8<Double>
    private var d: SIMD8<Double>

    private init(_ a: SIMD8<Double>, _ b: SIMD8<Double>, _ c: SIMD8<Double>, _ d: SIMD8<Double>) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    init(repeating value: Double) { self.init(paces: value, value, value, value) }

    /// One value per pace.
    init(paces a: Double, _ b: Double, _ c: Double, _ d: Double) {
        self.init(SIMD8(repeating: a), SIMD8(repeating: b), SIMD8(repeating: c), SIMD8(repeating: d))
    }

    /// One value per share, the same for all paces.
    init(shares: [Double]) {
        let lanes = SIMD8(shares)
        self.init(lanes, lanes, lanes, lanes)
    }

    /// The sum of all.
    var total: Double { (a + b + c + d).sum() }

    /// The largest of all.
    var largest: Double { pointwiseMax(pointwiseMax(a, b), pointwiseMax(c, d)).max() }

    /// Made from these one by one.
    func mapped(_ transform: (Double) -> Double) -> KindLanes {
        var lanes = self
        withUnsafeMutableBytes(of: &lanes) { bytes in
            let values = bytes.assumingMemoryBound(to: Double.self)
            for index in 0..<Self.count { values[index] = transform(values[index]) }
        }
        return lanes
    }

    static func + (x: Self, y: Self) -> Self { Self(x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d) }
    static func - (x: Self, y: Self) -> Self { Self(x.a - y.a, x.b - y.b, x.c - y.c, x.d - y.d) }
    static func * (x: Self, y: Self) -> Self { Self(x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d) }
    static func / (x: Self, y: Self) -> Self { Self(x.a / y.a, x.b / y.b, x.c / y.c, x.d / y.d) }
    static func * (x: Self, y: Double) -> Self { Self(x.a * y, x.b * y, x.c * y, x.d * y) }
    static func / (x: Self, y: Double) -> Self { x * (1 / y) }
    static func += (x: inout Self, y: Self) { x = x + y }
    static func -= (x: inout Self, y: Self) { x = x - y }
}
