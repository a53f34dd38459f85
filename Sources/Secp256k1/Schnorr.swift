// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSecp256k1

extension SecretKey {
    /// Signs a message of any length (BIP 340, "Default Signing").
    ///
    /// - Parameter auxiliary: 32 bytes of randomness, drawn when `nil`.
    /// - Precondition: given randomness has 32 bytes.
    /// - Returns: 64 bytes.
    public func signSchnorr(_ message: [UInt8], auxiliary: [UInt8]? = nil) -> [UInt8] {
        let auxiliary = auxiliary ?? SecretKey.random().bytes
        precondition(auxiliary.count == 32)
        var pair = secp256k1_keypair()
        let isPair = secp256k1_keypair_create(Curve.context, &pair, bytes) == 1
        precondition(isPair, "a verified secret makes a key pair")
        var signature = [UInt8](repeating: 0, count: 64)
        let isSigned = auxiliary.withUnsafeBytes { auxiliary -> Bool in
            var parameters = secp256k1_schnorrsig_extraparams(
                magic: (0xDA, 0x6F, 0xB3, 0x8C),
                noncefp: nil,
                ndata: UnsafeMutableRawPointer(mutating: auxiliary.baseAddress)
            )
            return secp256k1_schnorrsig_sign_custom(
                Curve.context,
                &signature,
                message,
                message.count,
                &pair,
                &parameters
            ) == 1
        }
        precondition(isSigned, "the BIP 340 nonce function does not fail")
        return signature
    }
}

/// The x-only public key of BIP 340.
public struct XOnlyPublicKey: Sendable, Hashable {
    /// The x coordinate, 32 bytes.
    public let bytes: [UInt8]
    /// In the library's form: finding the other coordinate takes an eighth of a verification.
    private let key: secp256k1_xonly_pubkey

    /// Reads a key, or returns `nil` when x is not the coordinate of a point.
    public init?(_ bytes: [UInt8]) {
        var key = secp256k1_xonly_pubkey()
        guard bytes.count == 32, secp256k1_xonly_pubkey_parse(Curve.context, &key, bytes) == 1 else { return nil }
        self.bytes = bytes
        self.key = key
    }

    /// Verifies a 64-byte signature over a message of any length (BIP 340, "Verification").
    public func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        var key = key
        return secp256k1_schnorrsig_verify(Curve.context, signature, message, message.count, &key) == 1
    }

    public static func == (left: XOnlyPublicKey, right: XOnlyPublicKey) -> Bool { left.bytes == right.bytes }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}
