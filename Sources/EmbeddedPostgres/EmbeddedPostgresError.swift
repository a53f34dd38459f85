// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why the private database server could not be brought up.
///
/// The detail says what was looked for, what was found and what to do; it is meant to be the program's last words.
public struct EmbeddedPostgresError: Error, Hashable, CustomStringConvertible {
    /// The kind of an error.
    public struct Code: Hashable, Sendable {
        fileprivate let name: String

        /// No server programs are installed.
        public static let serverNotFound = Code(name: "server not found")
        /// The data directory belongs to another major version.
        public static let versionMismatch = Code(name: "version mismatch")
        /// Another process uses the data directory.
        public static let inUse = Code(name: "in use")
        /// A directory cannot be made or has the wrong owner, mode or name.
        public static let directoryUnusable = Code(name: "directory unusable")
        /// There is no unprivileged user to run the server as.
        public static let noUser = Code(name: "no user")
        /// `initdb` or the server ended with an error.
        public static let serverFailed = Code(name: "server failed")
    }

    public let code: Code
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The exit code for the process, from BSD's sysexits: 69 unavailable, 75 try later, 78 configuration.
    public var exitCode: Int32 {
        switch code {
        case .inUse: 75
        case .versionMismatch, .directoryUnusable: 78
        default: 69
        }
    }

    public var description: String { detail }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
