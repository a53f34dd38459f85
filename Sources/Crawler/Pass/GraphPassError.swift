// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a pass wrote nothing.
///
/// Errors of the source, the reader and the database pass through as they are. Two errors are equal when their codes are.
public struct GraphPassError: Error, Hashable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private enum Kind: Hashable { case notSynced, emptyGraph }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The node says that it does not know the whole graph yet.
        public static let notSynced = Code(.notSynced)
        /// The graph has no channel.
        public static let emptyGraph = Code(.emptyGraph)
    }

    public let code: Code
    /// What was found, for an operator.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
