// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Secp256k1

/// How messages, nonces and challenges are hashed, and what kind of signature comes out.
///
/// Partial signatures of two suites do not mix.
public enum Ciphersuite: Sendable, Hashable, CaseIterable {
    /// FROST(secp256k1, SHA-256) of RFC 9591 section 6.5: a plain Schnorr signature of 65 bytes.
    case rfc9591
    /// The Taproot suite of the Zcash Foundation: a BIP 340 signature, its own context, the key made even first.
    case taproot
    /// What Pomade's signers speak: the hashes of RFC 9591 with the challenge of BIP 340, key tweaks in the aggregate.
    case pomade

    var hash: SuiteHash {
        switch self {
        case .rfc9591, .pomade: SuiteHash(context: "FROST-secp256k1-SHA256-v1")
        case .taproot: SuiteHash(context: "FROST-secp256k1-SHA256-TR-v1")
        }
    }

    /// What a signature looks like; BIP 340's count the y coordinates of key and nonce as even.
    public var form: ThresholdSignature.Form { self == .rfc9591 ? .schnorr : .bip340 }

    func challenge(nonce: Point, key: Point, message: [UInt8]) -> Scalar {
        form == .bip340
            ? schnorrChallenge(nonce: nonce, key: key, message: message)
            : hash.challenge(nonce.compressed + key.compressed + message)
    }
}

/// The challenge of BIP 340.
func schnorrChallenge(nonce: Point, key: Point, message: [UInt8]) -> Scalar {
    Scalar(reducing: taggedHash("BIP0340/challenge", nonce.xOnly + key.xOnly + message))
}

/// The key that a signature is for: the group's own, or what tweaks made of it.
struct SigningKey: Sendable {
    /// The point whose encoding is hashed.
    let point: Point
    /// The factor of every secret share: 1, or -1 where the shares count as negated.
    let shareFactor: Scalar
    /// What the aggregate adds, times the challenge.
    let addend: Scalar

    init(_ key: Point, suite: Ciphersuite, tweaks: [Scalar] = []) throws(FROSTError) {
        switch suite {
        case .rfc9591:
            guard tweaks.isEmpty else { throw .invalidTweak }
            self.init(point: key, shareFactor: .one, addend: .zero)
        case .taproot:
            guard tweaks.isEmpty else { throw .invalidTweak }
            self.init(
                point: key.hasEvenY ? key : -key,
                shareFactor: key.hasEvenY ? .one : -.one,
                addend: .zero
            )
        case .pomade:
            var tweaked = TweakedKey(key)
            for tweak in tweaks { try tweaked.apply(tweak, isXOnly: true) }
            let parity: Scalar = tweaked.point.hasEvenY ? .one : -.one
            self.init(
                point: tweaked.point,
                shareFactor: parity * tweaked.factor,
                addend: parity * tweaked.addend
            )
        }
    }

    private init(point: Point, shareFactor: Scalar, addend: Scalar) {
        self.point = point
        self.shareFactor = shareFactor
        self.addend = addend
    }
}

/// A key with tweaks applied one after the other: Q = factor * P + addend * G.
struct TweakedKey: Sendable {
    private(set) var point: Point
    private(set) var factor = Scalar.one
    private(set) var addend = Scalar.zero

    init(_ key: Point) { point = key }

    /// Adds `tweak` times G; an x-only tweak first makes the point even.
    mutating func apply(_ tweak: Scalar, isXOnly: Bool) throws(FROSTError) {
        if isXOnly, !point.hasEvenY {
            point = -point
            factor = -factor
            addend = -addend
        }
        guard let sum = Point.sum([point, tweak.point]) else { throw .invalidTweak }
        point = sum
        addend = addend + tweak
    }
}
