// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why the schema is not what this build needs.
public struct MigrationError: Error, Hashable, CustomStringConvertible {
    /// The kind of an error.
    public struct Code: Hashable, Sendable {
        fileprivate let name: String

        /// A step that was applied has another text now.
        public static let drift = Code(name: "drift")
        /// The database holds a step that this build does not know: it belongs to a newer one.
        public static let unknownMigration = Code(name: "unknown migration")
        /// A step failed and was undone.
        public static let failed = Code(name: "failed")
        /// The schema was not brought up to date in time.
        public static let notMigrated = Code(name: "not migrated")
        /// The database cannot be asked.
        public static let storeUnavailable = Code(name: "store unavailable")
    }

    public let code: Code
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { "\(code.name): \(detail)" }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
