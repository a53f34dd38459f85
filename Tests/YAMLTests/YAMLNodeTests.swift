// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite("YAML trees")
struct YAMLNodeTests {
    private func error(_ text: String, limits: YAMLLimits = YAMLLimits()) -> YAMLError? {
        do {
            _ = try YAMLNode(parsing: text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("mappings, sequences and scalars come with their places")
    func tree() throws {
        let node = try YAMLNode(parsing: "a: 1\nlist:\n  - 'x'\n  - {k: \"v\\n\"}\nempty:\n")
        guard case .mapping(let entries) = node.content else {
            Issue.record("not a mapping")
            return
        }
        #expect(entries.map(\.key) == ["a", "list", "empty"])
        #expect(entries[0].value.content == .scalar("1", isPlain: true))
        #expect(entries[0].value.mark == YAMLMark(line: 1, column: 4))
        guard case .sequence(let items) = entries[1].value.content else {
            Issue.record("not a sequence")
            return
        }
        #expect(items[0].content == .scalar("x", isPlain: false))
        #expect(items[1].mark == YAMLMark(line: 4, column: 5))
        #expect(entries[2].value.isNull)
        #expect(entries[2].keyMark == YAMLMark(line: 5, column: 1))
    }

    @Test(
        "what would mean something else than it says is refused at its place",
        arguments: [
            ("a: &x 1\nb: 2", 1, "anchors"), ("b: *x", 1, "anchors"), ("a: 1\nb: 2\na: 3", 3, "second time"),
            ("a: !!int 1", 1, "tags"), ("a: &x [1]", 1, "anchors"), ("a: !x {b: c}", 1, "tags"),
            ("? [a]\n: b", 1, "key"),
            ("a: 1\n---\nb: 2", 2, "second document"), ("", 1, "nothing"), ("# only a comment\n", 2, "nothing"),
            ("a:\n\t- b", 2, "cannot start"), ("a: [1, 2", 2, "expected ',' or ']'"),
            ("a: 1\n b: 2", 2, "mapping values"),
        ]
    )
    func refused(text: String, line: Int, reason: String) {
        let found = error(text)
        #expect(found?.reason.contains(reason) == true, "\(String(describing: found))")
        #expect(found?.mark.line == line)
    }

    @Test("size, depth and number of nodes are bounded")
    func limits() {
        var limits = YAMLLimits()
        limits.size = 10
        #expect(error("a: 12345678", limits: limits)?.reason.contains("10 bytes") == true)
        limits = YAMLLimits()
        limits.nodes = 8
        #expect(error("[1, 2, 3, 4, 5, 6, 7, 8]", limits: limits)?.reason.contains("8 parts") == true)
        #expect(error(String(repeating: "[", count: 100_000))?.reason.contains("deeper") == true)
        #expect(error(String(repeating: "[", count: 16) + String(repeating: "]", count: 16)) == nil)
    }

    @Test("text that is not UTF-8 is refused, also as UTF-16 with a byte order mark")
    func encoding() {
        #expect(throws: YAMLError.self) { try YAMLNode(parsing: [0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
        #expect(throws: YAMLError.self) { try YAMLNode(parsing: [0xFF, 0xFE, 0x61, 0x00]) }
    }

    @Test("no truncation, bit flip or random text crashes the reader")
    func fuzz() {
        let valid = Array(
            "services:\n  - name: a\n    hosts: [x, \"y\\u00e9\"]\n    p: {a: 'b'}\n    t: |\n      x\n".utf8
        )
        for length in 0...valid.count { _ = try? YAMLNode(parsing: Array(valid.prefix(length))) }
        for bit in 0..<(valid.count * 8) {
            var bytes = valid
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = try? YAMLNode(parsing: bytes)
        }
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ab:-[]{}&*!|>'\"#%@`,? \n\t\\0\u{85}".utf8)
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0..<80, using: &generator)).map { _ in alphabet.randomElement() ?? 0 }
            guard let node = try? YAMLNode(parsing: text) else { continue }
            #expect(node.mark.line >= 1)
        }
    }
}
