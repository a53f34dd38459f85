// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a release was refused, or could not be made, installed or switched to.
public struct ReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, for programs; see each member.
    public enum Code: String, Sendable {
        /// A file is not of the form that it should be.
        case malformed
        /// The signatures do not suffice, or one of them is wrong.
        case untrusted
        /// A file is not the one that was signed.
        case altered
        /// A file or directory could be changed by somebody who must not be able to.
        case unsafePermissions
        /// The release does not fit this machine or what is installed on it.
        case unsuitable
        /// Something that is needed is not there.
        case missing
        /// Another installation is under way.
        case locked
        /// The new release did not become healthy.
        case unhealthy
        /// The file system refused.
        case storage
    }

    public let code: Code
    /// What was found where, and what to do; holds no secret.
    public let detail: String

    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { detail }
}
