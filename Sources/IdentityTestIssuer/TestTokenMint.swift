// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// The keys of a test issuer, and the tokens it makes; new with every start.
public struct TestTokenMint: Sendable {
    private let rsa: _RSA.Signing.PrivateKey
    private let ed25519 = Curve25519.Signing.PrivateKey()
    private let p256 = P256.Signing.PrivateKey()
    /// What tells this start's keys from those of others.
    private let name: String

    /// Makes keys, which takes a moment.
    public init(name: String = "1") throws {
        rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        self.name = name
    }

    /// The key set (RFC 7517).
    public var keySet: [UInt8] {
        get throws {
            let numbers = try rsa.publicKey.getKeyPrimitives()
            let point = Array(p256.publicKey.rawRepresentation)
            let keys: [[String: String]] = [
                [
                    "kty": "RSA", "kid": "rsa-" + name, "use": "sig", "alg": "RS256",
                    "n": text(numbers.modulus), "e": text(numbers.publicExponent),
                ],
                [
                    "kty": "OKP", "kid": "ed-" + name, "use": "sig", "crv": "Ed25519",
                    "x": text(ed25519.publicKey.rawRepresentation),
                ],
                [
                    "kty": "EC", "kid": "p256-" + name, "use": "sig", "alg": "ES256", "crv": "P-256",
                    "x": text(point.prefix(32)), "y": text(point.suffix(32)),
                ],
            ]
            return Array(try JSONEncoder().encode(["keys": keys]))
        }
    }

    /// Signs claims.
    ///
    /// - Parameters:
    ///   - claims: JSON.
    ///   - algorithm: `RS256`, `EdDSA` or `ES256`; others are written into the header and signed with RSA, which no
    ///     verifier may accept.
    ///   - keyID: instead of the key's own.
    public func sign(_ claims: [UInt8], algorithm: String = "RS256", keyID: String? = nil) throws -> String {
        let own =
            switch algorithm {
            case "EdDSA": "ed-" + name
            case "ES256": "p256-" + name
            default: "rsa-" + name
            }
        let header = try JSONEncoder().encode(["alg": algorithm, "kid": keyID ?? own, "typ": "JWT"])
        let signed = text(header) + "." + text(claims)
        let bytes = Array(signed.utf8)
        let signature: Data =
            switch algorithm {
            case "EdDSA": try ed25519.signature(for: bytes)
            case "ES256": try p256.signature(for: SHA256.hash(data: bytes)).rawRepresentation
            default:
                try rsa.signature(for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5).rawRepresentation
            }
        return signed + "." + text(signature)
    }

    private func text(_ bytes: some Collection<UInt8>) -> String {
        Base64.encode(bytes, alphabet: .urlSafe, padded: false)
    }
}

/// A JSON value, as a request to mint may override any claim with.
enum JSONValue: Codable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}
