// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A version in the form of Semantic Versioning 2.0.0, without build metadata, of at most 64 characters.
///
/// Its text is safe as a file name: letters, digits, dots and hyphens, beginning with a digit.
public struct ReleaseVersion: Sendable, Hashable, LosslessStringConvertible {
    public let description: String
    private let numbers: [UInt32]
    private let prerelease: [Identifier]

    /// One part of what follows the hyphen (section 9).
    private enum Identifier: Hashable {
        case number(UInt32)
        case word(String)
    }

    /// Reads a version such as `1.4.0` or `1.4.0-rc.1`; `nil` when it is none.
    public init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
        guard numbers.count == 3, !numbers.contains(nil) else { return nil }
        var identifiers: [Identifier] = []
        if parts.count == 2 {
            for part in parts[1].split(separator: ".", omittingEmptySubsequences: false) {
                guard let identifier = Self.identifier(part) else { return nil }
                identifiers.append(identifier)
            }
        }
        description = text
        self.numbers = numbers.compactMap { $0 }
        prerelease = identifiers
    }

    /// A number without leading zeros, below 2^32.
    private static func number(_ text: Substring) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return text.utf8.count > 1 && text.utf8.first == UInt8(ascii: "0") ? nil : UInt32(text)
    }

    private static func identifier(_ text: Substring) -> Identifier? {
        guard !text.isEmpty else { return nil }
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isWord else { return nil }
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber ? number(text).map(Identifier.number) : .word(String(text))
    }
}

extension ReleaseVersion: Comparable {
    /// Orders by precedence (section 11): a pre-release comes before its release.
    public static func < (left: Self, right: Self) -> Bool {
        if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        if left.prerelease.isEmpty || right.prerelease.isEmpty { return !left.prerelease.isEmpty }
        return left.prerelease.lexicographicallyPrecedes(right.prerelease) { left, right in
            switch (left, right) {
            case (.number(let left), .number(let right)): left < right
            case (.number, .word): true
            case (.word, .number): false
            case (.word(let left), .word(let right)): left < right
            }
        }
    }
}

extension ReleaseVersion: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let version = Self(text) else {
            throw ReleaseError(.malformed, "'\(text.prefix(64))' is not a version such as 1.4.0")
        }
        self = version
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
