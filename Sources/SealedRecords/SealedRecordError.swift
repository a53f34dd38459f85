// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a record cannot be read, or no key can be had.
public struct SealedRecordError: Error, Hashable, CustomStringConvertible {
    /// The kind of an error.
    public struct Code: Hashable, Sendable {
        fileprivate let name: String

        /// A secret is neither 64 hexadecimal digits nor `nsec1...`.
        public static let badSecret = Code(name: "bad secret")
        /// Two secrets would mark their records alike.
        public static let ambiguousSecret = Code(name: "ambiguous secret")
        /// Sealed with a secret that is not here.
        public static let unknownKey = Code(name: "unknown key")
        /// Not what was sealed for this row: another row's, or changed.
        public static let forged = Code(name: "forged")
    }

    public let code: Code
    /// For the operator; never holds a secret.
    public let detail: String

    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { "\(code.name): \(detail)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
