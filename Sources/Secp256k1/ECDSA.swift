// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSecp256k1

/// An ECDSA signature from which the signer's key can be recovered (SEC 1 section 4.1.6), as BOLT 11 uses it.
public struct RecoverableSignature: Sendable, Hashable {
    /// R and S, 64 bytes.
    public let compact: [UInt8]
    /// 0 to 3.
    public let recoveryID: UInt8

    /// Makes a signature from its parts, or returns `nil` when they have the wrong size.
    public init?(compact: [UInt8], recoveryID: UInt8) {
        guard compact.count == 64, recoveryID < 4 else { return nil }
        self.compact = compact
        self.recoveryID = recoveryID
    }

    /// Whether S lies above half the group order, which strict verifiers refuse (BIP 62 rule 5).
    public var hasHighS: Bool {
        var signature = secp256k1_ecdsa_signature()
        guard secp256k1_ecdsa_signature_parse_compact(Curve.context, &signature, compact) == 1 else { return false }
        return secp256k1_ecdsa_signature_normalize(Curve.context, nil, &signature) == 1
    }

    /// The key that made this signature over a 32-byte hash, or `nil` when there is none.
    public func recoverPublicKey(hash: [UInt8]) -> PublicKey? {
        guard hash.count == 32 else { return nil }
        var signature = secp256k1_ecdsa_recoverable_signature()
        guard
            secp256k1_ecdsa_recoverable_signature_parse_compact(
                Curve.context,
                &signature,
                compact,
                Int32(recoveryID)
            ) == 1
        else { return nil }
        var key = secp256k1_pubkey()
        guard secp256k1_ecdsa_recover(Curve.context, &key, &signature, hash) == 1 else { return nil }
        return PublicKey(key)
    }
}

extension SecretKey {
    /// Signs a 32-byte hash with ECDSA: RFC 6979 nonce, low S.
    /// - Precondition: the hash has 32 bytes.
    public func signRecoverably(hash: [UInt8]) -> RecoverableSignature {
        precondition(hash.count == 32)
        var signature = secp256k1_ecdsa_recoverable_signature()
        let isSigned = secp256k1_ecdsa_sign_recoverable(Curve.context, &signature, hash, bytes, nil, nil) == 1
        precondition(isSigned, "the RFC 6979 nonce function does not fail")
        var compact = [UInt8](repeating: 0, count: 64)
        var id: Int32 = 0
        secp256k1_ecdsa_recoverable_signature_serialize_compact(Curve.context, &compact, &id, &signature)
        guard let result = RecoverableSignature(compact: compact, recoveryID: UInt8(truncatingIfNeeded: id)) else {
            preconditionFailure("the library yields 64 bytes and an id below 4")
        }
        return result
    }
}

extension PublicKey {
    /// Verifies an ECDSA signature of 64 bytes (R and S) over a 32-byte hash; a high S is refused (BIP 62 rule 5).
    public func verifiesECDSA(_ compact: [UInt8], hash: [UInt8]) -> Bool {
        guard compact.count == 64, hash.count == 32 else { return false }
        var signature = secp256k1_ecdsa_signature()
        guard secp256k1_ecdsa_signature_parse_compact(Curve.context, &signature, compact) == 1 else { return false }
        var key = parsed
        return secp256k1_ecdsa_verify(Curve.context, &signature, hash, &key) == 1
    }
}
