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
    public enum Form: Sendable, Hashable {
        /// 65 bytes: the nonce with its parity, then the sum (RFC 9591).
        case schnorr
        /// 64 bytes (BIP 340).
        case bip340
    }

    public let bytes: [UInt8]
    public let form: Form

    init(form: Form, nonce: Point, sum: Scalar) {
        self.form = form
        bytes = (form == .bip340 ? nonce.xOnly : nonce.compressed) + sum.rawBytes
    }

    /// Reads a signature; whether its parts are in range shows when it is verified.
    public init?(_ bytes: some Collection<UInt8>, form: Form) {
        guard bytes.count == (form == .bip340 ? 64 : 65) else { return nil }
        self.bytes = Array(bytes)
        self.form = form
    }

    /// Whether this is the key's signature over the message.
    public func verifies(_ message: [UInt8], key: Point) -> Bool {
        if form == .bip340 { return XOnlyPublicKey(key.xOnly)?.verifies(bytes, over: message) ?? false }
        guard let nonce = Point(bytes.prefix(33)), let sum = Scalar(bytes.dropFirst(33)) else { return false }
        let challenge = Ciphersuite.rfc9591.challenge(nonce: nonce, key: key, message: message)
        return sum.point == Point.sum([nonce, key.multiplied(byPublic: challenge)])
    }
}
