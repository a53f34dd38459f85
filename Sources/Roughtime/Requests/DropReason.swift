// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a server says nothing; the protocol has no error messages.
public enum DropReason: String, CaseIterable, Error, Sendable {
    /// Shorter than 1024 or longer than 2048 bytes, or not a multiple of 4.
    case size
    /// The frame's length is not the message's.
    case frame
    /// The message breaks a rule of its format.
    case parse
    /// NONC is missing or has a length no version knows.
    case nonce
    /// No version in common, or a list of versions that breaks a rule.
    case version
    /// TYPE is not 0.
    case type
    /// SRV names a key that is not ours.
    case srv
    /// The padding is not zero.
    case padding
    /// The request waited longer than a client would.
    case stale
    /// The answer would be longer than the request.
    case amplification
    /// The clock is not synchronised, or has just stepped.
    case unsynchronised
    /// There is no delegation that is valid now.
    case noDelegation = "no_delegation"
}
