// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RoughtimeKeys

@Suite("The paper form")
struct PaperFormTests {
    private let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    private func form(_ seed: [UInt8]) throws -> String { PaperForm.text(of: try LongTermSeed(copying: seed)) }

    private func read(_ text: String) throws -> [UInt8] {
        let seed = try PaperForm.seed(parsing: text)
        return seed.withBytes { Array($0) }
    }

    private func problem(_ text: String) -> PaperForm.Problem? {
        do {
            _ = try PaperForm.seed(parsing: text)
            return nil
        } catch { return error }
    }

    private func randomSeed() -> [UInt8] { (0..<32).map { _ in .random(in: 0...255) } }

    @Test("reads back as the seed it was made of, in any spacing and case")
    func roundtrip() throws {
        for _ in 0..<200 {
            let seed = randomSeed()
            let text = try form(seed)
            #expect(try read(text) == seed)
            #expect(try read(text.lowercased()) == seed)
            let plain = text.filter { !$0.isWhitespace }
            #expect(plain.count == 70)
            #expect(try read(plain) == seed)
            #expect(try read("\r\n " + text.replacing(" ", with: "--") + "\n\n") == seed)
            #expect(try read(text.replacing("0", with: "o").replacing("1", with: "l")) == seed)
            #expect(try read(text.replacing("1", with: "I")) == seed)
        }
    }

    @Test("has one text for one seed, for good")
    func vector() throws {
        #expect(try form(Array(0..<32)) == PaperFormTests.known)
    }

    @Test("finds every single wrong character and names its group")
    func substitutions() throws {
        let text = Array(try form(randomSeed()))
        for (place, character) in text.enumerated() where !character.isWhitespace {
            let group = text[..<place].count { $0.isWhitespace } + 1
            for other in alphabet + ["U", "*", "é"] where other != character {
                var wrong = text
                wrong[place] = other
                #expect(problem(String(wrong))?.group == group)
            }
        }
    }

    @Test("finds every two exchanged neighbours and every two exchanged groups")
    func exchanges() throws {
        let text = Array(try form(randomSeed()))
        for place in 0..<text.count - 1 where text[place] != text[place + 1] {
            guard !text[place].isWhitespace, !text[place + 1].isWhitespace else { continue }
            var wrong = text
            wrong.swapAt(place, place + 1)
            #expect(problem(String(wrong))?.group == text[..<place].count { $0.isWhitespace } + 1)
        }
        let groups = String(text).split { $0.isWhitespace }
        for first in 0..<groups.count {
            for second in first + 1..<groups.count where groups[first] != groups[second] {
                var wrong = groups
                wrong.swapAt(first, second)
                #expect(problem(wrong.joined(separator: " "))?.group == first + 1)
            }
        }
    }

    @Test("finds every missing and every doubled character")
    func lengths() throws {
        let text = Array(try form(randomSeed()))
        for (place, character) in text.enumerated() where !character.isWhitespace {
            var shorter = text
            shorter.remove(at: place)
            var longer = text
            longer.insert(character, at: place)
            let group = text[..<place].count { $0.isWhitespace } + 1
            #expect(problem(String(shorter))?.group == group)
            #expect(problem(String(longer))?.group == group)
            #expect(problem(String(shorter).filter { !$0.isWhitespace }) != nil)
        }
        #expect(problem("") != nil)
        #expect(problem(String(text) + " 00000") != nil)
        #expect(problem(String(repeating: "0", count: 100_000)) != nil)
    }

    @Test("does not take groups of two forms for one")
    func mixed() throws {
        let one = try form(randomSeed()).split { $0.isWhitespace }
        let two = try form(randomSeed()).split { $0.isWhitespace }
        for count in 1..<14 {
            let mixed = one[..<count] + two[count...]
            #expect(problem(mixed.joined(separator: " ")) != nil)
        }
    }

    @Test("survives random text")
    func random() {
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...120)).map { _ in UInt8.random(in: 0...255) }
            #expect(problem(String(decoding: bytes, as: UTF8.self)) != nil)
        }
    }

    /// Made by another program from the description of the form.
    private static let known = """
        000GD 40R4X 0M300 E209K 185G3
        R38ED 1W811 24GKZ 2GAH1 C5RR2
        34D1B P70XX 3RFGZ XNKHX
        """
}
