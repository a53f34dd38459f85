// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import YAML

/// One thing that is wrong with a services file.
public struct CatalogueProblem: Sendable, Hashable, CustomStringConvertible {
    public let mark: YAMLMark
    /// Where in the tree, such as `services[0].routes[1].price`; empty for the file itself.
    public let key: String
    /// What is wrong and what to write instead.
    public let reason: String

    public init(_ mark: YAMLMark, key: String, _ reason: String) {
        self.mark = mark
        self.key = key
        self.reason = reason
    }

    public var description: String { key.isEmpty ? "\(mark): \(reason)" : "\(mark): \(key): \(reason)" }
}

/// Everything that is wrong with a services file, in its order.
public struct CatalogueError: Error, Sendable, Hashable, CustomStringConvertible {
    public let problems: [CatalogueProblem]

    public init(_ problems: [CatalogueProblem]) { self.problems = problems }

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
