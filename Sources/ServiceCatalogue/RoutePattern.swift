// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The paths a route answers: `{name}` stands for one segment, a final `/**` for everything below.
///
/// Matched against the segments of `RequestPath` (module L402), so that all that looks at a path sees the same one.
public struct RoutePattern: Sendable, Hashable, CustomStringConvertible {
    /// A part of a pattern.
    public enum Segment: Sendable, Hashable {
        case literal(String)
        case parameter(String)
    }

    public let segments: [Segment]
    /// Whether the path itself and everything below it match.
    public let isOpenEnded: Bool

    /// What is wrong with a pattern's text.
    struct Malformed: Error { let reason: String }

    init(_ text: String) throws(Malformed) {
        guard text.hasPrefix("/") else { throw Malformed(reason: "a path begins with /") }
        var parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.last == "" { parts.removeLast() }
        isOpenEnded = parts.last == "**"
        if isOpenEnded { parts.removeLast() }
        var segments: [Segment] = []
        var names: Set<String> = []
        for part in parts {
            let segment = try Self.segment(part)
            if case .parameter(let name) = segment, !names.insert(name).inserted {
                throw Malformed(reason: "{\(name)} stands in it twice")
            }
            segments.append(segment)
        }
        self.segments = segments
    }

    private static func segment(_ part: String) throws(Malformed) -> Segment {
        guard !part.isEmpty, part != ".", part != ".." else {
            throw Malformed(reason: "empty parts, . and .. match nothing; remove them")
        }
        if part.hasPrefix("{"), part.hasSuffix("}") {
            let name = part.dropFirst().dropLast()
            let isName = !name.isEmpty && name.utf8.allSatisfy(isWordByte)
            guard isName else { throw Malformed(reason: "'\(part)': a name is made of letters, digits and _") }
            return .parameter(String(name))
        }
        let forbidden: Set<Character> = ["*", "{", "}", "%", "?", "#", "\\"]
        guard !part.contains(where: forbidden.contains), !part.unicodeScalars.contains(where: { $0.value < 0x21 })
        else {
            let remedy = "{name} fills a whole segment, ** is the last one, and other characters stand as they are"
            throw Malformed(reason: "'\(part)': \(remedy)")
        }
        return .literal(part)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Whether every path that matches is this one.
    public var isLiteral: Bool {
        !isOpenEnded
            && segments.allSatisfy { segment in
                if case .literal = segment { true } else { false }
            }
    }

    /// The leading literal segments.
    public var literalPrefix: [String] {
        var prefix: [String] = []
        for case .literal(let text) in segments.prefix(while: { if case .literal = $0 { true } else { false } }) {
            prefix.append(text)
        }
        return prefix
    }

    /// Whether a path matches, given its segments.
    public func matches(_ path: [String]) -> Bool {
        guard isOpenEnded ? path.count >= segments.count : path.count == segments.count else { return false }
        return zip(segments, path).allSatisfy { segment, text in
            switch segment {
            case .literal(let literal): literal == text
            case .parameter: true
            }
        }
    }

    /// Patterns of the same shape match the same paths.
    var shape: [String] {
        segments.map { segment in
            switch segment {
            case .literal(let text): "/\(text)"
            case .parameter: "{}"
            }
        } + (isOpenEnded ? ["**"] : [])
    }

    /// Whether this pattern is tried before another: at the first difference a literal comes before a name, a name before
    /// the end, the end before `**`.
    func isMoreSpecific(than other: RoutePattern) -> Bool {
        for index in 0...max(segments.count, other.segments.count) {
            let (own, others) = (rank(index), other.rank(index))
            if own != others { return own < others }
        }
        return false
    }

    private func rank(_ index: Int) -> Int {
        guard index < segments.count else { return isOpenEnded ? 3 : 2 }
        if case .literal = segments[index] { return 0 }
        return 1
    }

    public var description: String {
        let parts = segments.map { segment in
            switch segment {
            case .literal(let text): text
            case .parameter(let name): "{\(name)}"
            }
        }
        return "/" + (parts + (isOpenEnded ? ["**"] : [])).joined(separator: "/")
    }
}
