// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Secp256k1

/// Numbers modulo the order of a curve's group, as a share's halves are.
protocol ShareNumber: Sendable, Equatable {
    associatedtype Element: SharePoint where Element.Number == Self

    static var zero: Self { get }
    static var one: Self { get }
    static func + (left: Self, right: Self) -> Self
    static func - (left: Self, right: Self) -> Self
    static func * (left: Self, right: Self) -> Self
    static func random() -> Self

    /// Reads 32 bytes in the curve's order of bytes; `nil` when they are not below the group's order.
    init?(wire bytes: some Collection<UInt8>)

    /// `nil` for zero; meant for public values.
    var inverse: Self? { get }
    /// This number times the base point; `nil` (infinity) for zero.
    var element: Element? { get }
    /// Lends 32 bytes in the curve's order of bytes.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

/// Points of a curve, where `nil` stands for infinity.
protocol SharePoint: Sendable, Hashable {
    associatedtype Number

    /// Reads a point in its wire form.
    init?(wire bytes: [UInt8])
    var wire: [UInt8] { get }
    static func sum(_ points: [Self?]) -> Self?
    func multiplied(byPublic number: Number) -> Self?
}

extension Scalar: ShareNumber {
    init?(wire bytes: some Collection<UInt8>) { self.init(bytes) }

    var element: Point? { point }
}

extension Point: SharePoint {
    typealias Number = Scalar

    init?(wire bytes: [UInt8]) { self.init(bytes) }

    var wire: [UInt8] { compressed }
}

extension ShareNumber {
    var isZero: Bool { self == .zero }

    /// The value of a polynomial at `x`; coefficients from the constant upwards.
    static func value(of coefficients: [Self], at x: Self) -> Self {
        coefficients.reversed().reduce(.zero) { $0 * x + $1 }
    }

    /// The value at `x` of the polynomial that goes through these points (Lagrange).
    ///
    /// - Returns: `nil` when two of the points have the same place.
    static func interpolate(_ points: [(x: Self, y: Self)], at x: Self) -> Self? {
        var sum = Self.zero
        for (index, point) in points.enumerated() {
            var (numerator, denominator) = (Self.one, Self.one)
            for (other, place) in points.enumerated() where other != index {
                numerator = numerator * (x - place.x)
                denominator = denominator * (point.x - place.x)
            }
            guard let inverse = denominator.inverse else { return nil }
            sum = sum + point.y * (numerator * inverse)
        }
        return sum
    }
}

extension SharePoint where Number: ShareNumber, Number.Element == Self {
    /// The sum of `x^k C_k`, which a share at `x` times the base point must equal (Feldman).
    static func value(of commitments: [Self?], at x: Number) -> Self? {
        var sum: Self?
        for commitment in commitments.reversed() { sum = Self.sum([sum?.multiplied(byPublic: x), commitment]) }
        return sum
    }
}

extension ShareCurve {
    /// Runs generic code with the numbers of this curve.
    func withNumbers<Result, Failure: Error>(
        _ body: (any ShareNumber.Type) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch self {
        case .secp256k1: try body(Scalar.self)
        case .ed25519: try body(Ed25519Scalar.self)
        }
    }

    /// Whether bytes encode a point other than infinity, of prime order.
    func hasPoint(_ bytes: [UInt8]) -> Bool {
        switch self {
        case .secp256k1: Point(bytes) != nil
        case .ed25519: Ed25519Point(wire: bytes) != nil
        }
    }
}
