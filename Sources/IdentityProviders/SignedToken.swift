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
