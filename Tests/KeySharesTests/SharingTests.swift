// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Secp256k1
import Testing

@testable import KeyShares

@Suite("Sharing")
struct SharingTests {
    private func deal(_ curve: ShareCurve, _ vectors: SharingVectors.Curve) throws -> ShareDealing {
        let nodes = vectors.nodes.map { NodeIdentifier(nodeName: $0.name, curve: curve) }
        let coefficients = [vectors.secret.bytes, vectors.coefficient1.bytes]
        return switch curve {
        case .secp256k1: try ShareDealing(coefficients: coefficients.map { try #require(Scalar($0)) }, nodes: nodes)
        case .ed25519:
            try ShareDealing(coefficients: coefficients.map { try #require(Ed25519Scalar(wire: $0)) }, nodes: nodes)
        }
    }

    @Test("identifiers, shares and verifying shares are the published ones", arguments: ShareCurve.allCases)
    func vectors(_ curve: ShareCurve) throws {
        let vectors = try SharingVectors.vectors(curve)
        let dealing = try deal(curve, vectors)
        #expect(dealing.shares.count == 3)
        for (node, share) in zip(vectors.nodes, dealing.shares) {
            #expect(share.identifier.bytes == node.identifier.bytes)
            #expect(share.bytes == node.share.bytes)
            #expect(try ShamirShare(curve, node.share.bytes) == share)
            if let verifying = node.verifyingShare { #expect(share.verifyingShare == verifying.bytes) }
            try dealing.commitments.check(share)
        }
        if let commitments = vectors.feldmanCommitments {
            #expect(dealing.commitments.points == commitments.map(\.bytes))
        }
    }

    @Test(
        "any two of three shares make the secret, and a node that joins gets the published share",
        arguments: ShareCurve.allCases
    )
    func combination(_ curve: ShareCurve) throws {
        let vectors = try SharingVectors.vectors(curve)
        let shares = try vectors.nodes.map { try ShamirShare(curve, $0.share.bytes) }
        for left in shares {
            for right in shares where left != right {
                #expect(try ShamirShare.combine([left, right]) == vectors.secret.bytes)
            }
        }
        let joining = NodeIdentifier(nodeName: vectors.extend.newNode, curve: curve)
        #expect(joining.bytes == vectors.extend.identifier.bytes)
        let joined = try ShamirShare.extend([shares[0], shares[1]], to: joining)
        #expect(joined.bytes == vectors.extend.share.bytes)
        #expect(try ShamirShare.combine([joined, shares[2]]) == vectors.secret.bytes)
    }

    @Test("shares on which halves are out of range, or of another length, are refused", arguments: ShareCurve.allCases)
    func invalidShares(_ curve: ShareCurve) throws {
        let shared = try #require(SharingVectors.shared)
        let invalid = curve == .secp256k1 ? shared.invalidShares.secp256k1 : shared.invalidShares.ed25519
        #expect(invalid.count >= 2)
        for vector in invalid {
            let expected: KeyShareError =
                vector.share.bytes.count == 64 ? .shareOutOfRange(curve) : .shareLength
            #expect(throws: expected, "\(vector.note)") { try ShamirShare(curve, vector.share.bytes) }
        }
        let good = try SharingVectors.vectors(curve).nodes[0].share.bytes
        for count in [0, 1, 32, 63] {
            #expect(throws: KeyShareError.shareLength) { try ShamirShare(curve, good.prefix(count)) }
        }
        #expect(throws: KeyShareError.shareLength) { try ShamirShare(curve, good + [0]) }
        let (zero, full) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32))
        for half in [zero, full] {
            #expect(throws: KeyShareError.shareOutOfRange(curve)) { try ShamirShare(curve, half + good.suffix(32)) }
            #expect(throws: KeyShareError.shareOutOfRange(curve)) { try ShamirShare(curve, good.prefix(32) + half) }
        }
    }

    @Test("the numbers next to the order of a group are told apart from it")
    func orders() throws {
        let secp = try #require(Hex.decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"))
        let ed = try #require(Hex.decode("ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"))
        for (curve, last, place) in [(ShareCurve.secp256k1, secp, 31), (.ed25519, ed, 0)] {
            _ = try ShamirShare(curve, last + last)
            var order = last
            order[place] += 1
            #expect(throws: KeyShareError.shareOutOfRange(curve)) { try ShamirShare(curve, order + last) }
            #expect(throws: KeyShareError.shareOutOfRange(curve)) { try ShamirShare(curve, last + order) }
        }
    }

    @Test("every threshold up to the number of nodes makes the secret again", arguments: ShareCurve.allCases)
    func thresholds(_ curve: ShareCurve) throws {
        for threshold in 2...6 {
            let dealing = try ShareDealing(splitting: curve.secret, threshold: threshold, among: curve.nodes(6))
            for share in dealing.shares { try dealing.commitments.check(share) }
            let chosen = Array(dealing.shares.shuffled().prefix(threshold))
            #expect(try ShamirShare.combine(chosen) == curve.secret)
            if threshold > 2 { #expect(try ShamirShare.combine(Array(chosen.dropLast())) != curve.secret) }
            let next = try ShamirShare.extend(chosen, to: NodeIdentifier(nodeName: "joins", curve: curve))
            try dealing.commitments.check(next)
        }
    }

    @Test("thresholds, nodes and secrets out of range are refused", arguments: ShareCurve.allCases)
    func limits(_ curve: ShareCurve) throws {
        for (threshold, count) in [(1, 3), (0, 3), (-1, 3), (4, 3), (2, 33), (2, 1), (2, 0)] {
            #expect(throws: KeyShareError.thresholdOutOfRange) {
                try ShareDealing(splitting: curve.secret, threshold: threshold, among: curve.nodes(count))
            }
        }
        let nodes = curve.nodes(2)
        #expect(throws: KeyShareError.duplicateNode) {
            try ShareDealing(splitting: curve.secret, threshold: 2, among: [nodes[0], nodes[0]])
        }
        for secret in [[UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32), [1]] {
            #expect(throws: KeyShareError.shareOutOfRange(curve)) {
                try ShareDealing(splitting: secret, threshold: 2, among: nodes)
            }
        }
        let dealing = try ShareDealing(splitting: curve.secret, threshold: 2, among: nodes)
        #expect(throws: KeyShareError.duplicateNode) {
            try ShamirShare.combine([dealing.shares[0], dealing.shares[0]])
        }
        #expect(throws: KeyShareError.thresholdOutOfRange) { try ShamirShare.combine([]) }
        #expect(throws: KeyShareError.thresholdOutOfRange) { try ShamirShare.combine([dealing.shares[0]]) }
        #expect(throws: KeyShareError.duplicateNode) { try ShamirShare.extend(dealing.shares, to: nodes[1]) }
    }

    @Test("shares of two curves do not combine")
    func mixedCurves() throws {
        let shares = try ShareCurve.allCases.map { curve in
            try ShareDealing(splitting: curve.secret, threshold: 2, among: curve.nodes(2)).shares[0]
        }
        #expect(throws: KeyShareError.mixedShares) { try ShamirShare.combine(shares) }
        #expect(throws: KeyShareError.mixedShares) {
            try ShareDealing(splitting: ShareCurve.ed25519.secret, threshold: 2, among: shares.map(\.identifier))
        }
    }

    @Test("a share that does not lie on the committed polynomial is refused", arguments: ShareCurve.allCases)
    func commitments(_ curve: ShareCurve) throws {
        let nodes = curve.nodes(3)
        let dealing = try ShareDealing(splitting: curve.secret, threshold: 2, among: nodes)
        let other = try ShareDealing(splitting: curve.secret, threshold: 2, among: nodes)
        for share in other.shares {
            #expect(throws: KeyShareError.commitmentMismatch) { try dealing.commitments.check(share) }
        }
        let moved = try ShamirShare(curve, nodes[1].bytes + dealing.shares[0].bytes.suffix(32))
        #expect(throws: KeyShareError.commitmentMismatch) { try dealing.commitments.check(moved) }
        let points = dealing.commitments.points
        #expect(try ShareCommitments(curve, points: points) == dealing.commitments)
        for bad in [[], [points[0]], Array(repeating: points[0], count: 33), [points[0], [1]], [points[0], []]] {
            #expect(throws: KeyShareError.commitmentInvalid(curve)) { try ShareCommitments(curve, points: bad) }
        }
        #expect(throws: KeyShareError.commitmentInvalid(curve)) {
            try ShareCommitments(curve, points: [points[0], [UInt8](repeating: 255, count: points[0].count)])
        }
    }

    @Test("no share or delta is printed", arguments: ShareCurve.allCases)
    func redaction(_ curve: ShareCurve) throws {
        let share = try ShareDealing(splitting: curve.secret, threshold: 2, among: curve.nodes(2)).shares[0]
        let delta = try RefreshDealing(threshold: 2, among: curve.nodes(2)).deltas[0]
        for (value, secret) in [(share as Any, share.bytes), (delta, delta.bytes)] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(text.contains("redacted"))
                #expect(!text.contains(Hex.encode(secret.suffix(8))))
            }
        }
    }
}
