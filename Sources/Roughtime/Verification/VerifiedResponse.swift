// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a verified answer proves: the server's statement about the time, and under which rules it was made.
public struct VerifiedResponse: Equatable, Sendable {
    public let version: Version
    /// The midpoint in microseconds since 1970.
    public let midpoint: Int128
    /// The radius in microseconds.
    public let radius: Int64
    public let delegation: Delegation
    /// The versions the server says it answers; empty where the version has no such list.
    public let serverVersions: [Version]
    /// A better version was common to both than the one used.
    public let isDowngraded: Bool
    /// Signed under the words of the drafts although the version is the RFC's.
    public let usesDraftContext: Bool
    /// The order of the tree that led to the root.
    public let order: MerkleTree.Order
    /// Number of siblings between the leaf and the root.
    public let depth: Int

    /// The first and last moment the statement allows, in microseconds since 1970.
    public var earliest: Int128 { midpoint - Int128(radius) }
    public var latest: Int128 { midpoint + Int128(radius) }
}

/// What an answer states, whoever asked.
public struct SignedStatement: Equatable, Sendable {
    public let version: Version
    /// The server's long-term key.
    public let publicKey: [UInt8]
    /// In microseconds since 1970, and in microseconds.
    public let midpoint: Int128
    public let radius: Int64

    /// Nothing that was made after the answer is older than this.
    public var earliest: Int128 { midpoint - Int128(radius) }
}

/// What a verifier accepts beyond the rules.
public struct VerificationOptions: Sendable {
    /// For version 1, also the signature contexts of the drafts: some programs offer 1 and sign the old way.
    public var acceptsDraftContexts: Bool
    /// Refuse an answer in another version than the best that both know.
    public var isStrictAboutVersion: Bool

    public init(acceptsDraftContexts: Bool = false, isStrictAboutVersion: Bool = false) {
        self.acceptsDraftContexts = acceptsDraftContexts
        self.isStrictAboutVersion = isStrictAboutVersion
    }
}
