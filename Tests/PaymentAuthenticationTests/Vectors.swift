// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import PaymentAuthentication
import Testing

/// The vectors that Aperture publishes for the Payment scheme (mpp/testdata/vectors.json, MIT licence).
struct PaymentVectors: Decodable {
    struct Canonicalization: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let input: String
        let canonical: String?
        let error: Bool?
        var testDescription: String { name }
    }
    struct Base64URL: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let encoded: String
        let decodedHex: String?
        let canonical: Bool
        let error: Bool?
        var testDescription: String { name }
    }
    struct Parameters: Decodable, Sendable, Equatable {
        let id: String
        let realm: String
        let method: String
        let intent: String
        let request: String
        let expires: String?
        let digest: String?
        let description: String?
        let opaque: String?

        var challenge: PaymentChallenge? {
            PaymentChallenge(
                id: id,
                realm: realm,
                method: method,
                intent: intent,
                request: request,
                expires: expires,
                digest: digest,
                description: description,
                opaque: opaque
            )
        }
    }
    struct Header: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let params: Parameters
        let header: String
        let parsed: Parameters
        var testDescription: String { name }
    }
    struct List: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let header: String
        let challenges: [Parameters]?
        let error: Bool?
        var testDescription: String { name }
    }
    struct ChallengeID: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let params: Parameters
        let hmacInput: String
        var testDescription: String { name }
    }
    struct Text: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let header: String
        let credentialJson: String?
        let receiptJson: String?
        let error: Bool?
        var testDescription: String { name }
    }

    let hmacSecretHex: String
    let canonicalization: [Canonicalization]
    let base64url: [Base64URL]
    let challengeHeaders: [Header]
    let challengeLists: [List]
    let challengeIds: [ChallengeID]
    let credentials: [Text]
    let receipts: [Text]

    static let all: PaymentVectors = {
        let name = "mpp-aperture-vectors"
        guard let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"),
            let data = try? Data(contentsOf: url), let all = try? JSONDecoder().decode(PaymentVectors.self, from: data)
        else { preconditionFailure("\(name).json is part of the test bundle") }
        return all
    }()
}
