// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import KeyShares
import Testing

@testable import ShareEnvelopes

@Suite("Share envelopes of version 2")
struct ShareEnvelopeTests {
    struct File: Decodable {
        struct Row: Decodable {
            struct Rewrapped: Decodable {
                let kekEpoch: UInt32
                let kek, wrapNonce, envelope: HexText
            }
            let curve: ShareCurve
            let shareId, walletId: UUID
            let publicKey, share, rootSecret, kek, dek, wrapNonce, dataNonce, aadWrap, aadData, envelope: HexText
            let kekEpoch: UInt32
            let envelopeLength: Int
            let rewrapped: Rewrapped

            var row: EnvelopeRow {
                EnvelopeRow(shareID: shareId, walletID: walletId, curve: curve, publicKey: publicKey.bytes)
            }
        }
        struct Negative: Decodable {
            let note: String
            let envelope, publicKey: HexText
            let shareId, walletId: UUID
            let curve: ShareCurve
        }
        let vectors: [Row]
        let negative: [Negative]
    }

    private static let file: File? = Vectors.load("envelope_v2")
    private let file: File
    private let root: RootSecret
    private let ring: EnvelopeKeyRing

    init() throws {
        file = try #require(Self.file)
        root = try RootSecret(file: try #require(file.vectors.first).rootSecret.bytes)
        ring = try EnvelopeKeyRing(root: root, current: 1)
    }

    @Test("keys, bindings and envelopes are the published ones, byte for byte")
    func vectors() throws {
        #expect(file.vectors.count == 2)
        for vector in file.vectors {
            #expect(EnvelopeKeyRing.key(root, vector.kekEpoch) == SymmetricKey(data: vector.kek.bytes))
            #expect(ShareEnvelope.wrapBinding(vector.kekEpoch, vector.shareId) == vector.aadWrap.bytes)
            #expect(ShareEnvelope.dataBinding(vector.row) == vector.aadData.bytes)
            let sealed = try vector.share.bytes.withUnsafeBytes { share in
                try ShareEnvelope(
                    sealing: share,
                    for: vector.row,
                    with: ring,
                    dataKey: SymmetricKey(data: vector.dek.bytes),
                    wrapNonce: AES.GCM.Nonce(data: vector.wrapNonce.bytes),
                    dataNonce: AES.GCM.Nonce(data: vector.dataNonce.bytes)
                )
            }
            #expect(sealed.bytes == vector.envelope.bytes && sealed.bytes.count == vector.envelopeLength)
            let read = try ShareEnvelope(vector.envelope.bytes)
            #expect(read.epoch == vector.kekEpoch)
            #expect(try read.opened(for: vector.row, with: ring) == vector.share.bytes)
        }
    }

    @Test("rotation makes the published envelope, and both epochs open it meanwhile")
    func rotation() throws {
        let rotated = try ring.rotated(root: root)
        #expect(rotated.current == 2 && rotated.epochs == [1, 2])
        for vector in file.vectors {
            let old = try ShareEnvelope(vector.envelope.bytes)
            let nonce = try AES.GCM.Nonce(data: vector.rewrapped.wrapNonce.bytes)
            let new = try old.rewrapped(shareID: vector.shareId, with: rotated, nonce: nonce)
            #expect(new.bytes == vector.rewrapped.envelope.bytes && new.epoch == 2)
            for envelope in [old, new] {
                #expect(try envelope.opened(for: vector.row, with: rotated) == vector.share.bytes)
            }
            let retired = try rotated.retiring(1)
            #expect(throws: EnvelopeError.unknownEpoch(1)) { try old.opened(for: vector.row, with: retired) }
            #expect(throws: EnvelopeError.unknownEpoch(1)) { try old.rewrapped(shareID: vector.shareId, with: retired) }
            #expect(try new.opened(for: vector.row, with: retired) == vector.share.bytes)
            #expect(throws: EnvelopeError.forged) {
                try old.rewrapped(shareID: vector.walletId, with: rotated)
            }
        }
    }

    @Test("an envelope moved to another row, or changed, does not open")
    func negatives() throws {
        let both = try ring.rotated(root: root)
        #expect(file.negative.count == 4)
        for vector in file.negative {
            let row = EnvelopeRow(
                shareID: vector.shareId,
                walletID: vector.walletId,
                curve: vector.curve,
                publicKey: vector.publicKey.bytes
            )
            #expect(throws: EnvelopeError.forged, "\(vector.note)") {
                try ShareEnvelope(vector.envelope.bytes).opened(for: row, with: both)
            }
        }
        let vector = try #require(file.vectors.first)
        let other = EnvelopeRow(
            shareID: vector.shareId,
            walletID: vector.walletId,
            curve: .ed25519,
            publicKey: vector.publicKey.bytes
        )
        let envelope = try ShareEnvelope(vector.envelope.bytes)
        #expect(throws: EnvelopeError.forged) { try envelope.opened(for: other, with: ring) }
        let stranger = try EnvelopeKeyRing(root: .random(), current: 1)
        #expect(throws: EnvelopeError.forged) { try envelope.opened(for: vector.row, with: stranger) }
    }

    @Test("every truncation and every flipped bit is refused")
    func mutations() throws {
        let vector = try #require(file.vectors.first)
        let good = vector.envelope.bytes
        for count in good.indices {
            #expect(throws: EnvelopeError.self) {
                try ShareEnvelope(Array(good.prefix(count))).opened(for: vector.row, with: ring)
            }
        }
        for bit in 0..<(good.count * 8) {
            var bytes = good
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: EnvelopeError.self) { try ShareEnvelope(bytes).opened(for: vector.row, with: ring) }
        }
        #expect(throws: EnvelopeError.malformed) { try ShareEnvelope(good + [UInt8](repeating: 0, count: 5000)) }
        for _ in 0..<2_000 {
            let bytes =
                ShareEnvelope.mark.prefix(.random(in: 0...6)) + (0..<200).map { _ in .random(in: .min ... .max) }
            #expect(throws: EnvelopeError.self) { try ShareEnvelope(Array(bytes)).opened(for: vector.row, with: ring) }
        }
    }

    @Test("anything up to the limit comes back as it was, and no two envelopes are alike")
    func roundTrips() throws {
        let row = try #require(file.vectors.first).row
        for count in [0, 1, 63, 64, 65, 1000, ShareEnvelope.maximumPlainCount] {
            let plain = (0..<count).map { _ in UInt8.random(in: .min ... .max) }
            let first = try ShareEnvelope(sealing: plain, for: row, with: ring)
            let second = try ShareEnvelope(sealing: plain, for: row, with: ring)
            #expect(first.bytes.count == count + ShareEnvelope.overhead)
            #expect(try ShareEnvelope(first.bytes).opened(for: row, with: ring) == plain)
            #expect(first.bytes[10..<70] != second.bytes[10..<70] && first.bytes[70...] != second.bytes[70...])
        }
    }

    @Test("epochs count from 1, once each, and the sealing one is never retired")
    func epochs() throws {
        for (current, earlier) in [(0, []), (1, [0]), (2, [2]), (3, [1, 1])] as [(UInt32, [UInt32])] {
            #expect(throws: EnvelopeError.invalidEpochs) {
                try EnvelopeKeyRing(root: root, current: current, earlier: earlier)
            }
        }
        #expect(throws: EnvelopeError.invalidEpochs) { try ring.retiring(1) }
        #expect(throws: EnvelopeError.invalidEpochs) { try ring.retiring(9) }
        #expect(throws: EnvelopeError.invalidEpochs) {
            try EnvelopeKeyRing(root: root, current: .max).rotated(root: root)
        }
    }
}
