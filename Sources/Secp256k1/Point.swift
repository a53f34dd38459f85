// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSecp256k1

/// A point of secp256k1 other than infinity, kept in the library's own form so that no operation parses it again.
///
/// Where a sum may be infinity, a `Point?` stands for it and `nil` is infinity.
public struct Point: Sendable, Hashable, CustomStringConvertible {
    let key: secp256k1_pubkey

    /// The base point G.
    public static let generator: Point = {
        guard let point = Scalar.one.point else { preconditionFailure("G is a point") }
        return point
    }()

    init(_ key: secp256k1_pubkey) { self.key = key }

    public init(_ key: PublicKey) { self.init(key.parsed) }

    /// Reads a compressed point of 33 bytes, or returns `nil` when it is none.
    public init?(_ bytes: some Collection<UInt8>) {
        var key = secp256k1_pubkey()
        guard bytes.count == 33, secp256k1_ec_pubkey_parse(Curve.context, &key, Array(bytes), 33) == 1 else {
            return nil
        }
        self.init(key)
    }

    /// The point with this x coordinate and an even y (`lift_x` of BIP 340), or `nil` when there is none.
    public init?(evenWithX bytes: some Collection<UInt8>) { self.init([2] + Array(bytes)) }

    /// 33 bytes (SEC 1 section 2.3.3).
    public var compressed: [UInt8] { PublicKey(key).compressed }

    /// The x coordinate, 32 bytes.
    public var xOnly: [UInt8] { Array(compressed.dropFirst()) }

    public var hasEvenY: Bool { compressed[0] == 2 }

    public var description: String { PublicKey(key).description }

    public static func == (left: Point, right: Point) -> Bool {
        var (left, right) = (left.key, right.key)
        return secp256k1_ec_pubkey_cmp(Curve.context, &left, &right) == 0
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(compressed) }
}

extension Point {
    public static prefix func - (point: Point) -> Point {
        var key = point.key
        let isNegated = secp256k1_ec_pubkey_negate(Curve.context, &key) == 1
        precondition(isNegated, "every point has a negative")
        return Point(key)
    }

    /// The sum of points, where `nil` is infinity.
    public static func sum(_ points: some Sequence<Point?>) -> Point? {
        let keys = points.compactMap { $0?.key }
        if keys.isEmpty { return nil }
        return keys.withUnsafeBufferPointer { keys -> Point? in
            let addresses = keys.indices.map { keys.baseAddress?.advanced(by: $0) }
            var sum = secp256k1_pubkey()
            // The library's one reason to fail here is a sum of infinity.
            let isPoint = secp256k1_ec_pubkey_combine(Curve.context, &sum, addresses, addresses.count) == 1
            return isPoint ? Point(sum) : nil
        }
    }

    /// This point times a public number, in a time that depends on the number; `nil` (infinity) for zero.
    public func multiplied(byPublic scalar: Scalar) -> Point? {
        if scalar.isZero { return nil }
        var key = key
        let isProduct = scalar.withPointer { secp256k1_ec_pubkey_tweak_mul(Curve.context, &key, $0) } == 1
        precondition(isProduct, "a point of prime order times a number other than zero is a point")
        return Point(key)
    }

    /// This point times a secret number, in constant time; `nil` (infinity) for zero.
    public func multiplied(bySecret scalar: Scalar) -> Point? {
        var key = key
        var product = [UInt8](repeating: 0, count: 33)
        let isProduct = scalar.withPointer { scalar in
            secp256k1_ecdh(
                Curve.context,
                &product,
                &key,
                scalar,
                { output, x, y, _ in
                    guard let output, let x, let y else { return 0 }
                    output[0] = 2 + (y[31] & 1)
                    (output + 1).update(from: x, count: 32)
                    return 1
                },
                nil
            )
        }
        return isProduct == 1 ? Point(product) : nil
    }
}

extension Scalar {
    /// This number times G, in constant time; `nil` (infinity) for zero.
    public var point: Point? {
        var key = secp256k1_pubkey()
        guard withPointer({ secp256k1_ec_pubkey_create(Curve.context, &key, $0) }) == 1 else { return nil }
        return Point(key)
    }
}
