// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Testing

@testable import KeyShares

/// Bytes written in hexadecimal.
struct HexText: Decodable, Hashable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        bytes = try #require(Hex.decode(try decoder.singleValueContainer().decode(String.self)))
    }
}

/// The published sharing, extension and refresh of both curves.
struct SharingVectors: Decodable {
    struct Curve: Decodable {
        struct Node: Decodable {
            let name: String
            let identifier, share: HexText
            let verifyingShare: HexText?
        }
        struct Extension: Decodable {
            let fromNodes: [String]
            let newNode: String
            let identifier, share: HexText
        }
        struct Refresh: Decodable {
            let zeroPolynomialCoefficient1: HexText
            let commitment1: HexText?
            let deltas, newShares: [HexText]
            let mixedEpochCombineOfNewAAndOldB: HexText?
        }
        let secret, coefficient1: HexText
        let nodes: [Node]
        let extend: Extension
        let feldmanCommitments: [HexText]?
        let refresh: Refresh
    }
    struct Invalid: Decodable {
        struct Share: Decodable {
            let note: String
            let share: HexText
        }
        let secp256k1, ed25519: [Share]
    }

    let secp256k1, ed25519: Curve
    let invalidShares: Invalid

    static let shared: SharingVectors? = {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let data = try? Data(contentsOf: folder.appending(path: "shamir_shares.json"))
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(SharingVectors.self, from: data) } catch {
            Issue.record(error)
            return nil
        }
    }()

    static func vectors(_ curve: ShareCurve) throws -> Curve {
        let shared = try #require(shared)
        return switch curve {
        case .secp256k1: shared.secp256k1
        case .ed25519: shared.ed25519
        }
    }
}

extension ShareCurve {
    func nodes(_ count: Int) -> [NodeIdentifier] {
        (0..<count).map { NodeIdentifier(nodeName: "node-\($0)", curve: self) }
    }

    /// A secret that both curves take.
    var secret: [UInt8] { [0] + (1...30).map { UInt8($0) } + [0] }
}
