// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// A signed token in its parts (RFC 7515 section 7.1), not yet verified.
struct SignedToken: Sendable {
    let algorithm: String
    let keyID: String?
    /// JSON.
    let claims: [UInt8]
    /// What the signature is over.
    let signedText: [UInt8]
    let signature: [UInt8]

    private struct Header: Decodable {
        let alg: String
        let kid: String?
        let crit: [String]?
        let b64: Bool?
    }

    /// Reads three parts of base64url; `nil` for anything else, and for headers with conditions that we do not know.
    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard text.utf8.count <= LoginAttempt.maximumTokenCount, parts.count == 3 else { return nil }
        let bytes = parts.compactMap { Base64.decode(Substring($0), alphabet: .urlSafe, padding: .forbidden) }
        guard bytes.count == 3, StrictJSON.isStrict(bytes[0]), StrictJSON.isStrict(bytes[1]),
            JSONNesting.isShallow(bytes[0], limit: 4), JSONNesting.isShallow(bytes[1], limit: 8),
            let header = try? JSONDecoder().decode(Header.self, from: Data(bytes[0])), header.crit == nil,
            header.b64 == nil
        else { return nil }
        algorithm = header.alg
        keyID = header.kid
        claims = bytes[1]
        signature = bytes[2]
        signedText = Array(text.utf8.prefix(parts[0].count + 1 + parts[1].count))
    }
}

extension SignedToken {
    /// The order of the group of P-256 (SEC 2 section 2.4.2), big-endian.
    private static let orderP256: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]

    /// The token with the other half of its pair of signatures; `nil` for algorithms that have no pairs.
    var twin: String? {
        guard algorithm == TokenAlgorithm.es256.rawValue, signature.count == 64 else { return nil }
        var other = signature
        var borrow: Int16 = 0
        for index in (0..<32).reversed() {
            let difference = Int16(Self.orderP256[index]) - Int16(signature[32 + index]) - borrow
            borrow = difference < 0 ? 1 : 0
            other[32 + index] = UInt8(truncatingIfNeeded: difference)
        }
        // A number above the order is in no valid signature.
        guard borrow == 0 else { return nil }
        let encoded = Base64.encode(other, alphabet: .urlSafe, padded: false)
        return String(decoding: signedText, as: UTF8.self) + "." + encoded
    }
}

/// What a token says (RFC 7519, OpenID Connect Core section 2).
struct TokenClaims: Decodable {
    let issuer: String
    let subject: String
    let audiences: [String]
    let expiresAt, issuedAt, notBefore: Int64?
    let nonce: String?
    let email: String?
    let isEmailVerified: Bool
    /// Every text among the claims.
    let texts: [String: String]

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        func name(_ text: String) -> Name { Name(stringValue: text) }
        func time(_ text: String) throws -> Int64? {
            guard let seconds = try container.decodeIfPresent(Double.self, forKey: name(text)) else { return nil }
            guard (0...253_402_300_799).contains(seconds) else {
                throw DecodingError.dataCorruptedError(forKey: name(text), in: container, debugDescription: "no time")
            }
            return Int64(seconds)
        }
        issuer = try container.decode(String.self, forKey: name("iss"))
        subject = try container.decode(String.self, forKey: name("sub"))
        if let one = try? container.decode(String.self, forKey: name("aud")) {
            audiences = [one]
        } else {
            audiences = try container.decode([String].self, forKey: name("aud"))
        }
        (expiresAt, issuedAt, notBefore) = (try time("exp"), try time("iat"), try time("nbf"))
        nonce = try container.decodeIfPresent(String.self, forKey: name("nonce"))
        email = try container.decodeIfPresent(String.self, forKey: name("email"))
        // Some providers write the truth as a text.
        let verified = try? container.decodeIfPresent(Bool.self, forKey: name("email_verified"))
        let asText = try? container.decodeIfPresent(String.self, forKey: name("email_verified"))
        isEmailVerified = verified == true || asText == "true"
        var texts: [String: String] = [:]
        for key in container.allKeys { texts[key.stringValue] = try? container.decode(String.self, forKey: key) }
        self.texts = texts
    }
}
