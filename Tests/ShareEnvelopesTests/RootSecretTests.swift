// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Testing

@testable import ShareEnvelopes

@Suite("Root secrets")
struct RootSecretTests {
    private let bytes = (1...32).map { UInt8($0) }

    @Test("32 bytes or 64 digits are the same secret, with white space around")
    func forms() throws {
        let expected = SymmetricKey(data: bytes)
        let digits = Array(Hex.encode(bytes).utf8)
        let forms: [[UInt8]] = [
            bytes, bytes + [10], digits, digits + [10], [32] + digits + [13, 10],
            Array(Hex.encode(bytes).uppercased().utf8),
        ]
        for form in forms { #expect(try RootSecret(file: form).key == expected) }
        // Raw bytes that look like white space at the ends are part of the secret.
        let blank = [UInt8](repeating: 10, count: 32)
        #expect(try RootSecret(file: blank).key == SymmetricKey(data: blank))
    }

    @Test("other lengths and characters are refused")
    func refusals() {
        let digits = Array(Hex.encode(bytes).utf8)
        let short: [[UInt8]] = [[], [10], Array(bytes.dropLast()), Array(digits.dropLast())]
        for form in short + [bytes + [1], digits + [48], [103] + digits.dropFirst()] {
            #expect(throws: EnvelopeError.badRootSecret) { try RootSecret(file: form) }
        }
    }

    @Test("any m of n pieces make the secret, fewer do not", arguments: [(5, 3), (2, 2), (7, 4), (3, 3), (20, 2)])
    func pieces(_ count: Int, _ threshold: Int) throws {
        let root = RootSecret.random()
        let lines = try root.split(into: count, threshold: threshold).map(\.line)
        #expect(Set(lines).count == count)
        for _ in 0..<10 {
            let chosen = try lines.shuffled().prefix(.random(in: threshold...count)).map { try RootPiece(line: $0) }
            #expect(try RootSecret(pieces: chosen).key == root.key)
        }
        for few in 1..<threshold {
            #expect(throws: EnvelopeError.missingPieces(threshold - few)) {
                try RootSecret(pieces: lines.prefix(few).map { try RootPiece(line: $0) })
            }
        }
    }

    @Test("the largest split works")
    func largest() throws {
        let root = RootSecret.random()
        let pieces = try root.split(into: 255, threshold: 255)
        #expect(try RootSecret(pieces: pieces.shuffled()).key == root.key)
        for (count, threshold) in [(256, 2), (5, 1), (5, 6), (1, 1), (0, 0), (5, -1)] {
            #expect(throws: EnvelopeError.badSplit) { try root.split(into: count, threshold: threshold) }
        }
    }

    @Test("pieces of different splits, of one secret or two, and pieces given twice are refused")
    func mixtures() throws {
        let root = RootSecret.random()
        let (first, second) = (try root.split(), try root.split())
        let stranger = try RootSecret.random().split()
        #expect(throws: EnvelopeError.missingPieces(2)) { try RootSecret(pieces: []) }
        #expect(throws: EnvelopeError.mixedPieces) { try RootSecret(pieces: [first[0], first[1], second[2]]) }
        #expect(throws: EnvelopeError.mixedPieces) { try RootSecret(pieces: [first[0], first[1], stranger[2]]) }
        #expect(throws: EnvelopeError.mixedPieces) { try RootSecret(pieces: [first[0], first[1], first[1]]) }
        let other = try root.split(into: 5, threshold: 2)
        #expect(throws: EnvelopeError.mixedPieces) { try RootSecret(pieces: [first[0], first[1], other[2]]) }
    }

    @Test("a piece with a wrong, missing or additional character is refused")
    func damage() throws {
        let line = try RootSecret.random().split()[0].line
        #expect(line.hasPrefix("akspiece1") && line.utf8.count <= 90)
        #expect(try RootPiece(line: " \(line)\n").line == line)
        #expect(try RootPiece(line: line.uppercased()).line == line)
        let characters = Array(line)
        for index in characters.indices {
            var changed = characters
            changed[index] = changed[index] == "q" ? "p" : "q"
            #expect(throws: EnvelopeError.badPiece) { try RootPiece(line: String(changed)) }
            #expect(throws: EnvelopeError.badPiece) { try RootPiece(line: String(characters.prefix(index))) }
        }
        for text in ["", "akspiece1", line + "q", line + line, "é", String(repeating: "a", count: 10_000)] {
            #expect(throws: EnvelopeError.badPiece) { try RootPiece(line: text) }
        }
        for _ in 0..<1_000 {
            let random = String(decoding: (0..<100).map { _ in UInt8.random(in: 32...126) }, as: UTF8.self)
            #expect(throws: EnvelopeError.badPiece) { try RootPiece(line: random) }
        }
    }

    @Test("the field's products are those of AES, and every value but zero has an inverse")
    func field() {
        // FIPS 197 section 4.2.
        #expect(ByteField.multiply(0x57, 0x83) == 0xC1 && ByteField.multiply(0x57, 0x13) == 0xFE)
        #expect(ByteField.invert(0x53) == 0xCA && ByteField.invert(0) == 0)
        for value in 1...255 as ClosedRange<UInt8> { #expect(ByteField.multiply(value, ByteField.invert(value)) == 1) }
    }

    @Test("no secret and no piece is printed")
    func redaction() throws {
        let root = try RootSecret(file: bytes)
        let piece = try root.split()[0]
        for value in [root as Any, piece, try OkoSecret(file: bytes)] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] { #expect(text.contains("redacted")) }
        }
    }
}
