// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// The algorithms that tokens may be signed with; no others exist for this program, least of all `none` and HMACs.
public enum TokenAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// RSASSA-PKCS1-v1_5 with SHA-256 and at least 2048 bits (RFC 7518 section 3.3).
    case rs256 = "RS256"
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    case es256 = "ES256"
    /// Ed25519 (RFC 8037 section 3.1).
    case edDSA = "EdDSA"
}

/// One of a provider's public keys.
struct TokenKey: Sendable {
    private enum Key: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    let id: String
    let algorithm: TokenAlgorithm
    private let key: Key

    func isValid(_ signature: [UInt8], for text: [UInt8]) -> Bool {
        switch key {
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: text),
                padding: .insecurePKCS1v1_5
            )
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: text))
        case .ed25519(let key): return key.isValidSignature(signature, for: text)
        }
    }
}

/// A provider's public keys (RFC 7517).
struct TokenKeySet: Sendable {
    let keys: [TokenKey]

    private struct Wire: Decodable {
        struct Key: Decodable {
            let kty: String?
            let kid, use, alg, crv, n, e, x, y: String?
        }
        let keys: [Key]
    }

    /// The most keys that are read.
    static let maximumCount = 64

    /// Reads a set; keys of other kinds and uses are left out.
    ///
    /// - Returns: `nil` when it is no set, or has no key that we know.
    init?(json: [UInt8]) {
        guard JSONNesting.isShallow(json, limit: 8), let wire = try? JSONDecoder().decode(Wire.self, from: Data(json))
        else { return nil }
        keys = wire.keys.prefix(Self.maximumCount).compactMap {
            TokenKey($0.kty, $0.kid, $0.use, $0.alg, $0.crv, [$0.n, $0.e, $0.x, $0.y])
        }
        if keys.isEmpty { return nil }
    }

    func key(_ id: String, _ algorithm: TokenAlgorithm) -> TokenKey? {
        keys.first { $0.id == id && $0.algorithm == algorithm }
    }
}

extension TokenKey {
    fileprivate init?(
        _ type: String?,
        _ id: String?,
        _ use: String?,
        _ algorithm: String?,
        _ curve: String?,
        _ members: [String?]
    ) {
        guard let id, use == nil || use == "sig" else { return nil }
        let bytes = members.map { $0.flatMap { Base64.decode($0, alphabet: .urlSafe, padding: .forbidden) } }
        switch (type, curve) {
        case ("RSA", _):
            guard let modulus = bytes[0], let exponent = bytes[1],
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent), key.keySizeInBits >= 2048
            else { return nil }
            (self.key, self.algorithm) = (.rsa(key), .rs256)
        case ("EC", "P-256"):
            guard let x = bytes[2], let y = bytes[3], x.count == 32,
                let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
            else { return nil }
            (self.key, self.algorithm) = (.p256(key), .es256)
        case ("OKP", "Ed25519"):
            guard let x = bytes[2], let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x) else {
                return nil
            }
            (self.key, self.algorithm) = (.ed25519(key), .edDSA)
        default: return nil
        }
        // A key that names its algorithm is for no other.
        guard algorithm == nil || algorithm == self.algorithm.rawValue else { return nil }
        self.id = id
    }
}
