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

    /// A dense number, for tables of counters and for local transport.
    public var number: Int {
        switch self {
        case .size: 0
        case .frame: 1
        case .parse: 2
        case .nonce: 3
        case .version: 4
        case .type: 5
        case .srv: 6
        case .padding: 7
        case .stale: 8
        case .amplification: 9
        case .unsynchronised: 10
        case .noDelegation: 11
        }
    }

    /// The reason with a number; nil when there is none.
    public init?(number: Int) {
        guard let reason = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = reason
    }
}
