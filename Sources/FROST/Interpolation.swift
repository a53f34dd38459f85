// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Secp256k1
internal import Synchronization

/// Lagrange's interpolation among distinct participants (RFC 9591 section 4.2).
enum Interpolation {
    /// The weight of participant `identifier`'s share in the polynomial's value at `x`; zero stands for the secret.
    ///
    /// All inputs are public, so the division may be too.
    static func weight(of identifier: Identifier, among all: [Identifier], at x: UInt32 = 0) -> Scalar {
        guard x == 0, let name = Self.name(of: identifier, among: all) else {
            return computedWeight(of: identifier, among: all, at: x)
        }
        if let known = known.withLock({ $0[name] }) { return known }
        let weight = computedWeight(of: identifier, among: all, at: 0)
        known.withLock { known in
            if known.count < knownLimit { known[name] = weight }
        }
        return weight
    }

    /// Weights of small quorums, which come again and again: the division takes as long as a signature's smaller parts.
    private static let known = Mutex<[UInt64: Scalar]>([:])
    /// All quorums among the numbers 1 to 5 take 80 places.
    private static let knownLimit = 4096

    /// A number that stands for at most seven participants up to 255 and one of them; `nil` for others.
    private static func name(of identifier: Identifier, among all: [Identifier]) -> UInt64? {
        guard all.count <= 7, identifier.number <= 255, all.allSatisfy({ $0.number <= 255 }) else { return nil }
        return all.sorted().reduce(UInt64(identifier.number)) { $0 << 8 | UInt64($1.number) }
    }

    private static func computedWeight(of identifier: Identifier, among all: [Identifier], at x: UInt32) -> Scalar {
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
