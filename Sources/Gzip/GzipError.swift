// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a file could not be read or inflated.
///
/// Two errors are equal when their codes are.
public struct GzipError: Error, Hashable, CustomStringConvertible {
    /// The kinds of failure.
    public struct Code: Hashable, Sendable {
        private enum Kind: Hashable { case cannotOpen, cannotRead, truncated, corrupt, outOfMemory }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The file could not be opened.
        public static let cannotOpen = Code(.cannotOpen)
        /// The operating system failed to read.
        public static let cannotRead = Code(.cannotRead)
        /// The file ends before its last gzip member does.
        public static let truncated = Code(.truncated)
        /// The bytes are not a gzip stream, or a checksum does not match.
        public static let corrupt = Code(.corrupt)
        /// zlib could not allocate its window.
        public static let outOfMemory = Code(.outOfMemory)
    }

    public let code: Code
    /// What was found, for an operator.
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { detail }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
