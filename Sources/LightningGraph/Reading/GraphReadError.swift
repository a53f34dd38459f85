// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a graph answer as a whole could not be read.
///
/// A single bad element never causes one: it is counted and skipped. Two errors are equal when their codes are.
public struct GraphReadError: Error, Hashable, CustomStringConvertible {
    /// The kinds of failure.
    public struct Code: Hashable, Sendable {
        private enum Kind: Hashable { case malformed, truncated, tooLarge }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The bytes are not a JSON object with the arrays `nodes` and `edges`.
        public static let malformed = Code(.malformed)
        /// The bytes end before the object does.
        public static let truncated = Code(.truncated)
        /// There are more nodes or channels than the reader's limits allow.
        public static let tooLarge = Code(.tooLarge)
    }

    public let code: Code
    /// What was found, and at which byte.
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { detail }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
