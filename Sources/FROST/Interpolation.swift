// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Secp256k1

/// Lagrange's interpolation among distinct participants (RFC 9591 section 4.2).
enum Interpolation {
    /// The weight of participant `identifier`'s share in the polynomial's value at `x`; zero stands for the secret.
    ///
    /// All inputs are public, so the division may be too.
    static func weight(of identifier: Identifier, among all: [Identifier], at x: UInt32 = 0) -> Scalar {
        var numerator = Scalar.one
        var denominator = Scalar.one
        for other in all where other != identifier {
            numerator = numerator * difference(x, other.number)
            denominator = denominator * difference(identifier.number, other.number)
        }
        guard let inverse = denominator.inverse else { preconditionFailure("distinct numbers differ") }
        return numerator * inverse
    }

    /// The point that the polynomial behind public shares has at `x`; `nil` is infinity.
    static func point(at x: UInt32 = 0, of shares: [Identifier: Point], among all: [Identifier]) -> Point? {
        Point.sum(all.map { shares[$0]?.multiplied(byPublic: weight(of: $0, among: all, at: x)) })
    }

    private static func difference(_ left: UInt32, _ right: UInt32) -> Scalar {
        let size = Scalar(UInt64(max(left, right) - min(left, right)))
        return left < right ? -size : size
    }
}
