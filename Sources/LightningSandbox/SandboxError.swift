// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Why a sandbox cannot run; two errors are equal when their codes are.
public struct SandboxError: Error, Hashable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable, Hashable {
        /// The operating system refused a file operation.
        case system
        /// Another process runs a sandbox in this directory.
        case inUse
        /// A file of the data directory is not what the sandbox wrote.
        case damaged
        /// The configuration cannot be meant so.
        case badConfiguration
        /// The sandbox stopped before it was ready.
        case stopped
    }

    public let code: Code
    /// What is wrong, in words; never a secret.
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// Describes `errno` after a failed call.
    static func system(_ call: String, _ path: String) -> SandboxError {
        SandboxError(.system, "\(call) \(path): \(String(cString: strerror(errno)))")
    }

    public var description: String { "sandbox (\(code.rawValue)): \(detail)" }

    public static func == (left: SandboxError, right: SandboxError) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
