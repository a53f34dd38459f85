// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSecp256k1
public import LightningPrimitives

/// A secret scalar of secp256k1, between 1 and n - 1.
///
/// It shows itself as `[redacted]` wherever Swift would print, dump or mirror it; only ``rawBytes`` gives it away.
public struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    /// Makes a key from 32 big-endian bytes, or returns `nil` when they are not in 1..<n.
    public init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 32, secp256k1_ec_seckey_verify(Curve.context, bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// Draws a key from the system's generator.
    public static func random() -> SecretKey {
        var generator = SystemRandomNumberGenerator()
        while true {
            let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            if let key = SecretKey(bytes) { return key }
        }
    }

    /// The 32 bytes, for keeping in a private file.
    public var rawBytes: [UInt8] { bytes }

    /// The public key of this secret.
    public var publicKey: PublicKey {
        var key = secp256k1_pubkey()
        let isMade = secp256k1_ec_pubkey_create(Curve.context, &key, bytes) == 1
        precondition(isMade, "a verified secret has a public key")
        return PublicKey(key)
    }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A point of secp256k1 other than infinity.
public struct PublicKey: Sendable, Hashable, CustomStringConvertible {
    /// The compressed form, 33 bytes (SEC 1 section 2.3.3).
    public let compressed: [UInt8]

    init(_ key: secp256k1_pubkey) {
        var key = key
        var length = 33
        var output = [UInt8](repeating: 0, count: 33)
        secp256k1_ec_pubkey_serialize(Curve.context, &output, &length, &key, UInt32(SECP256K1_EC_COMPRESSED))
        compressed = output
    }

    /// Reads a compressed or uncompressed key, or returns `nil` when it is not a point of the curve.
    public init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        var key = secp256k1_pubkey()
        guard secp256k1_ec_pubkey_parse(Curve.context, &key, bytes, bytes.count) == 1 else { return nil }
        self.init(key)
    }

    /// The key as a node's identity.
    public var nodeID: NodeID {
        guard let id = NodeID(compressed) else { preconditionFailure("a compressed key is a node id in form") }
        return id
    }

    /// The x coordinate: the public key of BIP 340.
    public var xOnly: [UInt8] { Array(compressed.dropFirst()) }

    public var description: String { nodeID.hex }

    var parsed: secp256k1_pubkey {
        var key = secp256k1_pubkey()
        let isParsed = secp256k1_ec_pubkey_parse(Curve.context, &key, compressed, compressed.count) == 1
        precondition(isParsed, "the compressed form was made by the library")
        return key
    }
}
