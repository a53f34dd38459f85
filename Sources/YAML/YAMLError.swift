// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A place in a text, for people: both numbers begin at 1, columns count characters.
public struct YAMLMark: Sendable, Hashable, CustomStringConvertible {
    public let line: Int
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String { "line \(line), column \(column)" }
}

/// What is wrong with a YAML text, and where.
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    public let mark: YAMLMark
    /// One sentence without the place.
    public let reason: String

    public init(_ mark: YAMLMark, _ reason: String) {
        self.mark = mark
        self.reason = reason
    }

    public var description: String { "\(mark): \(reason)" }
}
