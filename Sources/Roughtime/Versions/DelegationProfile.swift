// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The six forms of a delegation: a signature context and a time format, shared by the versions named.
public enum DelegationProfile: String, CaseIterable, Sendable, Codable {
    case google
    case drafts01to06 = "drafts-01-06"
    case draft07 = "draft-07"
    case drafts08to11 = "drafts-08-11"
    case draft12 = "draft-12"
    case rfc10049 = "rfc10049"

    public var context: SignatureContext {
        switch self {
        case .google, .drafts01to06, .drafts08to11: .delegationWithDashes
        case .draft07, .draft12: .delegationOfDrafts
        case .rfc10049: .delegation
        }
    }

    public var timeFormat: TimeFormat {
        switch self {
        case .google: .unixMicroseconds
        case .drafts01to06, .draft07: .modifiedJulianDay
        case .drafts08to11, .draft12, .rfc10049: .unixSeconds
        }
    }
}

/// What is put before signed bytes so that a signature serves one purpose only; each ends with a zero byte.
public enum SignatureContext: Sendable {
    /// RFC 10049, section 5.2.
    case response, delegation
    /// Written with a capital T in every draft.
    case responseOfDrafts, delegationOfDrafts, delegationWithDashes

    public var bytes: [UInt8] {
        let text =
            switch self {
            case .response: "Roughtime v1 response signature"
            case .delegation: "Roughtime v1 delegation signature"
            case .responseOfDrafts: "RoughTime v1 response signature"
            case .delegationOfDrafts: "RoughTime v1 delegation signature"
            case .delegationWithDashes: "RoughTime v1 delegation signature--"
            }
        return Array(text.utf8) + [0]
    }

    /// The same purpose in the words of the drafts, for ``VerificationOptions/acceptsDraftContexts``.
    var inDrafts: SignatureContext {
        switch self {
        case .response: .responseOfDrafts
        case .delegation: .delegationOfDrafts
        default: self
        }
    }
}
