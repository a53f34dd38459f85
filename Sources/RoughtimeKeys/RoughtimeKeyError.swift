// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a Roughtime key could not be made, read, used or brought back.
///
/// Two errors are equal when their codes are; the text says what to do and never holds a secret.
public struct RoughtimeKeyError: Error, Hashable, CustomStringConvertible {
    /// What kind of thing went wrong.
    public struct Code: Hashable, Sendable {
        fileprivate enum Value { case missing, unreadable, malformed, refused, mismatch, busy, system, sealing }
        fileprivate let value: Value

        /// A file, credential or option that is needed is not there.
        public static let missing = Code(value: .missing)
        /// A file is there but may not be used: its type, mode or size is wrong.
        public static let unreadable = Code(value: .unreadable)
        /// A text is not what it should be.
        public static let malformed = Code(value: .malformed)
        /// The policy of delegations says no.
        public static let refused = Code(value: .refused)
        /// A key is not the expected one, or a backup was altered.
        public static let mismatch = Code(value: .mismatch)
        /// Another process is minting.
        public static let busy = Code(value: .busy)
        /// The operating system refused.
        public static let system = Code(value: .system)
        /// `systemd-creds` failed or is not there.
        public static let sealing = Code(value: .sealing)
    }

    public let code: Code
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
