// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import KeyShares
import Testing

@testable import ShareEnvelopes

@Suite("Stored texts of version 1")
struct OkoEnvelopeTests {
    struct File: Decodable {
        struct RoundTrip: Decodable {
            let note, password, plaintext, encShareText: String
            let salt, iv, derivedKey: HexText
            let encShareByteaHex: HexText?
            let encShareTextLength: Int
        }
        struct Keypair: Decodable {
            let privateKeySeed, publicKey, salt, iv: HexText
            let encPrivateKey: String
        }
        struct Negative: Decodable { let note, password, encShareText, expect: String }
        let roundTrip: [RoundTrip]
        let serverKeypair: Keypair
        let negative: [Negative]
    }

    private static let file: File? = Vectors.load("oko_v1_encryption")
    private let file: File

    init() throws { file = try #require(Self.file) }

    private func secret(_ text: String) throws(EnvelopeError) -> OkoSecret { try OkoSecret(file: Array(text.utf8)) }

    @Test("texts are read and written as published, a newline at the secret's end included")
    func vectors() throws {
        #expect(file.roundTrip.count == 5)
        for vector in file.roundTrip {
            let secret = try secret(vector.password)
            #expect(try secret.key(salt: vector.salt.bytes) == SymmetricKey(data: vector.derivedKey.bytes))
            let written = try Array(vector.plaintext.utf8).withUnsafeBytes { plain in
                try OkoEnvelope(
                    sealing: plain,
                    with: secret,
                    salt: vector.salt.bytes,
                    nonce: AES.GCM.Nonce(data: vector.iv.bytes)
                )
            }
            #expect(written.text == vector.encShareText, "\(vector.note)")
            #expect(written.text.utf8.count == vector.encShareTextLength)
            if let stored = vector.encShareByteaHex { #expect(Array(written.text.utf8) == stored.bytes) }
            let read = try OkoEnvelope(vector.encShareText)
            let plain = try read.withOpened(with: secret) { String(decoding: $0, as: UTF8.self) }
            #expect(plain == vector.plaintext)
        }
    }

    @Test("the server's private key is read from its stored text")
    func keypair() throws {
        let vector = file.serverKeypair
        let candidates = Set(file.roundTrip.map(\.password))
        let seeds = candidates.compactMap { password in
            try? OkoEnvelope(vector.encPrivateKey).openHexadecimal(with: secret(password))
        }
        #expect(seeds == [vector.privateKeySeed.bytes])
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: try #require(seeds.first))
        #expect(Array(key.publicKey.rawRepresentation) == vector.publicKey.bytes)
    }

    @Test("changed texts, other secrets and short texts are refused")
    func negatives() throws {
        #expect(file.negative.count == 6)
        for vector in file.negative {
            let expected: EnvelopeError = vector.expect.hasPrefix("format") ? .malformed : .forged
            #expect(throws: expected, "\(vector.note)") {
                try OkoEnvelope(vector.encShareText).openHexadecimal(with: secret(vector.password))
            }
        }
        #expect(throws: EnvelopeError.emptySecret) { try OkoSecret(file: []) }
        let good = try #require(file.roundTrip.first).encShareText
        for text in ["", "=", "====", good + "\n", " " + good, good.replacing("+", with: "-") + "=", "é" + good] {
            #expect(throws: EnvelopeError.malformed) { try OkoEnvelope(text) }
        }
        #expect(throws: EnvelopeError.malformed) { try OkoEnvelope(String(repeating: "A", count: 8196)) }
        // A text inside that is no hexadecimal, as only a forger with the secret could store it.
        let other = try #require(file.roundTrip.last)
        #expect(throws: EnvelopeError.malformed) {
            try OkoEnvelope(other.encShareText).openHexadecimal(with: secret(other.password))
        }
    }

    @Test("what we write, we read, with another salt each time")
    func roundTrip() throws {
        let secret = try secret("test secret")
        let share = (0..<64).map { _ in UInt8.random(in: .min ... .max) }
        let first = try OkoEnvelope(sealingHexadecimal: share, with: secret)
        let second = try OkoEnvelope(sealingHexadecimal: share, with: secret)
        #expect(first.text.prefix(22) != second.text.prefix(22))
        #expect(first.text.utf8.count == 232)
        #expect(try OkoEnvelope(second.text).openHexadecimal(with: secret) == share)
        #expect(!ShareEnvelope.isMarked(Array(first.text.utf8)))
    }
}
