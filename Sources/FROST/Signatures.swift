// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// One signer's part of a signature; public, but worth nothing alone.
public struct PartialSignature: Sendable, Equatable {
    public let identifier: Identifier
    public let value: Scalar

    public init(identifier: Identifier, value: Scalar) {
        self.identifier = identifier
        self.value = value
    }
}

/// A signature made by a group, which looks like any single signer's.
public struct ThresholdSignature: Sendable, Hashable {
    /// 65 bytes for ``Ciphersuite/rfc9591``, 64 bytes of BIP 340 for the others.
    public let bytes: [UInt8]
    public let suite: Ciphersuite

    init(suite: Ciphersuite, nonce: Point, sum: Scalar) {
        self.suite = suite
        bytes = (suite.isXOnly ? nonce.xOnly : nonce.compressed) + sum.rawBytes
    }

    /// Reads a signature; whether its parts are in range shows when it is verified.
    public init?(_ bytes: some Collection<UInt8>, suite: Ciphersuite) {
        guard bytes.count == (suite.isXOnly ? 64 : 65) else { return nil }
        self.bytes = Array(bytes)
        self.suite = suite
    }

    /// Whether this is the key's signature over the message.
    public func verifies(_ message: [UInt8], key: Point) -> Bool {
        if suite.isXOnly { return XOnlyPublicKey(key.xOnly)?.verifies(bytes, over: message) ?? false }
        guard let nonce = Point(bytes.prefix(33)), let sum = Scalar(bytes.dropFirst(33)) else { return false }
        let challenge = suite.challenge(nonce: nonce, key: key, message: message)
        return sum.point == Point.sum([nonce, key.multiplied(byPublic: challenge)])
    }
}
