// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// The sum of all signers' nonces, which is all that a signer needs to know of the others' (BIP 445 draft).
public struct AggregateNonce: Sendable, Hashable {
    /// The sum of the hiding nonces; `nil` is infinity.
    public let hiding: Point?
    /// The sum of the binding nonces; `nil` is infinity.
    public let binding: Point?

    public init(_ commitments: [SigningCommitment]) {
        hiding = Point.sum(commitments.map(\.hiding))
        binding = Point.sum(commitments.map(\.binding))
    }

    init(hiding: Point?, binding: Point?) {
        self.hiding = hiding
        self.binding = binding
    }

    /// Reads 66 bytes, in which 33 zeros are infinity.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 66, let hiding = Self.read(bytes.prefix(33)), let binding = Self.read(bytes.dropFirst(33))
        else { return nil }
        self.init(hiding: hiding.point, binding: binding.point)
    }

    private static func read(_ bytes: some Collection<UInt8>) -> (point: Point?, Void)? {
        if bytes.allSatisfy({ $0 == 0 }) { return (nil, ()) }
        guard let point = Point(bytes) else { return nil }
        return (point, ())
    }

    /// 66 bytes.
    public var bytes: [UInt8] {
        let infinity = [UInt8](repeating: 0, count: 33)
        return (hiding?.compressed ?? infinity) + (binding?.compressed ?? infinity)
    }
}

extension SigningCommitment {
    /// Reads 66 bytes: the hiding nonce, then the binding one.
    public init?(identifier: Identifier, bytes: some Collection<UInt8>) {
        guard bytes.count == 66, let hiding = Point(bytes.prefix(33)), let binding = Point(bytes.dropFirst(33)) else {
            return nil
        }
        self.init(identifier: identifier, hiding: hiding, binding: binding)
    }

    /// 66 bytes.
    public var bytes: [UInt8] { hiding.compressed + binding.compressed }
}

extension SigningNonces {
    /// Draws fresh nonces as BIP 445 does it, bound to all that is known already.
    ///
    /// - Parameters:
    ///   - message: what will be signed, when it is known.
    ///   - extra: anything that makes this signature different from others, less than 4 GiB.
    public static func generate(
        for share: KeyShare,
        group: ThresholdGroup,
        message: [UInt8]?,
        extra: [UInt8] = []
    ) -> SigningNonces {
        while true {
            var randomness = Scalar.random().rawBytes
            defer { overwrite(&randomness) }
            let nonces = SigningNonces(
                identifier: share.identifier,
                randomness: randomness,
                secret: share.secret,
                publicShare: share.publicShare,
                key: group.key.xOnly,
                message: message,
                extra: extra
            )
            if let nonces { return nonces }
        }
    }

    init?(
        identifier: Identifier,
        randomness: [UInt8],
        secret: Scalar?,
        publicShare: Point?,
        key: [UInt8]?,
        message: [UInt8]?,
        extra: [UInt8]
    ) {
        var seed = secret.map { masked($0, with: randomness) } ?? randomness
        let (share, key) = (publicShare?.compressed ?? [], key ?? [])
        let context =
            [UInt8(share.count)] + share + [UInt8(key.count)] + key
            + (message.map { [1] + bigEndian(UInt64($0.count)) + $0 } ?? [0])
            + bigEndian(UInt32(extra.count)) + extra
        let nonces = noncePair("BIP0445/nonce", seed: seed, context: context)
        overwrite(&seed)
        self.init(identifier: identifier, hiding: nonces.hiding, binding: nonces.binding)
    }
}

/// A secret under a mask made from randomness.
func masked(_ secret: Scalar, with randomness: [UInt8]) -> [UInt8] {
    secret.withBytes { secret in zip(secret, taggedHash("BIP0445/aux", randomness)).map { $0 ^ $1 } }
}

/// Two scalars from a secret seed and public context.
func noncePair(_ tag: String, seed: [UInt8], context: [UInt8]) -> (hiding: Scalar, binding: Scalar) {
    func nonce(_ number: UInt8) -> Scalar {
        var input = seed + context + [number]
        defer { overwrite(&input) }
        var output = taggedHash(tag, input)
        defer { overwrite(&output) }
        return Scalar(reducing: output)
    }
    return (nonce(0), nonce(1))
}
