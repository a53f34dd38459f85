// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Secp256k1
import Testing

@testable import KeyShares

@Suite("Share refresh")
struct ShareRefreshTests {
    private func refresh(_ curve: ShareCurve, _ vectors: SharingVectors.Curve) throws -> RefreshDealing {
        let nodes = vectors.nodes.map { NodeIdentifier(nodeName: $0.name, curve: curve) }
        let coefficient = vectors.refresh.zeroPolynomialCoefficient1.bytes
        return switch curve {
        case .secp256k1: try RefreshDealing(coefficients: [try #require(Scalar(coefficient))], nodes: nodes)
        case .ed25519:
            try RefreshDealing(coefficients: [try #require(Ed25519Scalar(wire: coefficient))], nodes: nodes)
        }
    }

    @Test(
        "deltas, new shares and the wrong secret of mixed epochs are the published ones",
        arguments: ShareCurve.allCases
    )
    func vectors(_ curve: ShareCurve) throws {
        let vectors = try SharingVectors.vectors(curve)
        let refresh = try refresh(curve, vectors)
        #expect(refresh.deltas.map(\.bytes) == vectors.refresh.deltas.map(\.bytes))
        if let commitment = vectors.refresh.commitment1 { #expect(refresh.commitments.points == [commitment.bytes]) }
        let old = try vectors.nodes.map { EpochShare(try ShamirShare(curve, $0.share.bytes)) }
        let new = try zip(old, refresh.deltas).map { share, delta in
            try share.refreshed(by: delta, commitments: refresh.commitments, from: 1)
        }
        #expect(new.map(\.share.bytes) == vectors.refresh.newShares.map(\.bytes))
        #expect(new.allSatisfy { $0.epoch == 2 })
        for pair in [[0, 1], [1, 2], [0, 2]] {
            #expect(try EpochShare.combine(pair.map { new[$0] }) == vectors.secret.bytes)
        }
        #expect(throws: KeyShareError.mixedShares) { try EpochShare.combine([new[0], old[1]]) }
        let mixed = try ShamirShare.combine([new[0].share, old[1].share])
        #expect(mixed != vectors.secret.bytes)
        if let expected = vectors.refresh.mixedEpochCombineOfNewAAndOldB { #expect(mixed == expected.bytes) }
    }

    @Test("refreshed shares lie on the refreshed commitments, whatever the threshold", arguments: ShareCurve.allCases)
    func commitments(_ curve: ShareCurve) throws {
        for threshold in 2...5 {
            let nodes = curve.nodes(5)
            let dealing = try ShareDealing(splitting: curve.secret, threshold: threshold, among: nodes)
            var shares = dealing.shares.map { EpochShare($0, commitments: dealing.commitments) }
            for epoch in 1...3 as ClosedRange<Int32> {
                let refresh = try RefreshDealing(threshold: threshold, among: nodes)
                shares = try zip(shares, refresh.deltas).map { share, delta in
                    try share.refreshed(by: delta, commitments: refresh.commitments, from: epoch)
                }
            }
            for share in shares {
                #expect(share.epoch == 4)
                let commitments = try #require(share.commitments)
                #expect(commitments.points[0] == dealing.commitments.points[0])
                try commitments.check(share.share)
            }
            #expect(try EpochShare.combine(Array(shares.shuffled().prefix(threshold))) == curve.secret)
        }
    }

    @Test(
        "a refresh from another epoch, with another delta or another threshold changes nothing",
        arguments: ShareCurve.allCases
    )
    func refusals(_ curve: ShareCurve) throws {
        let nodes = curve.nodes(3)
        let dealing = try ShareDealing(splitting: curve.secret, threshold: 2, among: nodes)
        let share = EpochShare(dealing.shares[0], epoch: 5, commitments: dealing.commitments)
        let refresh = try RefreshDealing(threshold: 2, among: nodes)
        for epoch in [0, 1, 4, 6, .max] as [Int32] {
            #expect(throws: KeyShareError.epochConflict(current: 5)) {
                try share.refreshed(by: refresh.deltas[0], commitments: refresh.commitments, from: epoch)
            }
        }
        #expect(throws: KeyShareError.epochConflict(current: .max)) {
            try EpochShare(dealing.shares[0], epoch: .max)
                .refreshed(by: refresh.deltas[0], commitments: refresh.commitments, from: .max)
        }
        #expect(throws: KeyShareError.commitmentMismatch) {
            try share.refreshed(by: refresh.deltas[1], commitments: refresh.commitments, from: 5)
        }
        // A constant would move the key.
        #expect(throws: KeyShareError.commitmentMismatch) {
            try share.refreshed(by: refresh.deltas[0], commitments: dealing.commitments, from: 5)
        }
        let higher = try RefreshDealing(threshold: 3, among: nodes)
        #expect(throws: KeyShareError.commitmentInvalid(curve)) {
            try share.refreshed(by: higher.deltas[0], commitments: higher.commitments, from: 5)
        }
        #expect(throws: KeyShareError.shareOutOfRange(curve)) {
            try ShareDelta(curve, [UInt8](repeating: 255, count: 32))
        }
        #expect(throws: KeyShareError.shareOutOfRange(curve)) {
            try ShareDelta(curve, [UInt8](repeating: 1, count: 31))
        }
    }
}
