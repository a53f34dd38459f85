// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Foundation
internal import LightningPrimitives
internal import TrustScore

/// What the oracle says of a node, as a document of its own that can be stamped and kept.
public struct ScoreStatement: Sendable {
    /// The node's name in the API, 32 bytes.
    public let node: [UInt8]
    private let document: Document

    private struct Document: Encodable {
        var after: String?
        let block: Block
        let compatScore: Double
        let components: [String: Double]
        var computedAt: Int64?
        let publicKey: String
        let publicKeyHash: String
        let score: Double
        let type = "assay-score"
        let v = 1

        /// The same members as the answers of the API have under these names.
        struct Block: Encodable {
            let p_success: Double
            let ci95_low: Double
            let ci95_high: Double
            let n_obs: Double
            let verdict: String
        }

        enum CodingKeys: String, CodingKey {
            case after, block = "bayesian", compatScore, components, computedAt, publicKey, publicKeyHash, score, type,
                v
        }
    }

    init?(_ record: NodeRecord, _ pass: PassRecord?, at time: Int64) {
        guard let scores = record.scores else { return nil }
        let view = EvidenceView.of(record, at: time)
        node = record.hash.bytes
        document = Document(
            after: nil,
            block: Document.Block(
                p_success: rounded(view.judgement.belief.mean),
                ci95_low: rounded(view.interval.lowerBound),
                ci95_high: rounded(view.interval.upperBound),
                n_obs: rounded(view.assessment.combined.evidence),
                verdict: view.judgement.verdict.rawValue
            ),
            compatScore: scores.compatibleScore,
            components: scores.components,
            computedAt: pass?.finishedAt,
            publicKey: record.id.hex,
            publicKeyHash: record.hash.hex,
            score: scores.score
        )
    }

    /// What is said, without when: the same as long as nothing has changed.
    public func content() throws -> Data {
        var document = document
        document.computedAt = nil
        return try Self.encoder.encode(document)
    }

    /// The document: JSON with its members in alphabetical order and no space, for one way to write it only.
    ///
    /// - Parameter after: SHA-256 of an answer of a time server in hexadecimal; the document is younger.
    public func json(after: String) throws -> Data {
        var document = document
        document.after = after
        return try Self.encoder.encode(document)
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension ScoreSnapshot {
    /// Differs between two loadings; nil before the first.
    public var version: Int64? { loadedAt }

    /// The statements on all nodes that have a score, the best first.
    ///
    /// Evidence is aged to the moment of the loading, so that one snapshot always says the same.
    public var statements: [ScoreStatement] {
        records.compactMap { ScoreStatement($0, pass, at: loadedAt ?? 0) }
    }
}
