// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Files of `NAME=value` lines, as Docker and dotenv read them.
public enum EnvironmentText {
    /// A line that is none.
    public struct Malformed: Error, Sendable, Hashable {
        /// From 1.
        public let line: Int

        public init(line: Int) { self.line = line }
    }

    /// The values in the order of the lines; blank lines and those that begin with `#` say nothing.
    ///
    /// A value in quotes is what stands between them; otherwise it ends at ` #`. Nothing is expanded.
    public static func values(_ text: String) throws(Malformed) -> [(name: String, value: String)] {
        var values: [(name: String, value: String)] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = line.trimmingCharacters(in: .whitespaces.union(.init(charactersIn: "\r")))
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = String(line.dropFirst("export ".count)) }
            guard let equals = line.firstIndex(of: "=") else { throw Malformed(line: number + 1) }
            let name = line[..<equals].trimmingCharacters(in: .whitespaces)
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else { throw Malformed(line: number + 1) }
            let rest = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            guard let value = Self.value(rest) else { throw Malformed(line: number + 1) }
            values.append((name, value))
        }
        return values
    }

    private static func value(_ text: String) -> String? {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            return (text.range(of: " #").map { String(text[..<$0.lowerBound]) } ?? text)
                .trimmingCharacters(in: .whitespaces)
        }
        let inner = text.dropFirst()
        guard let end = inner.firstIndex(of: quote) else { return nil }
        let rest = inner[inner.index(after: end)...].trimmingCharacters(in: .whitespaces)
        return rest.isEmpty || rest.hasPrefix("#") ? String(inner[..<end]) : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
