// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// Why a text is not an invoice we accept; two errors are equal when their codes are.
public struct Bolt11Error: Error, Hashable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable, Hashable {
        case badChecksum = "bad_checksum"
        case badCharacter = "bad_character"
        case noSeparator = "no_separator"
        case mixedCase = "mixed_case"
        case tooShort = "too_short"
        case tooLong = "too_long"
        case badPrefix = "bad_prefix"
        case badAmount = "bad_amount"
        case badMultiplier = "bad_multiplier"
        case subMsat = "sub_msat"
        case truncatedField = "truncated_field"
        case badField = "bad_field"
        case missingPaymentHash = "missing_payment_hash"
        case missingPaymentSecret = "missing_payment_secret"
        case missingDescription = "missing_description"
        case twoDescriptions = "two_descriptions"
        case unknownEvenFeature = "unknown_even_feature"
        case notRecoverable = "not_recoverable"
        case badSignature = "bad_signature"
        case highSWithPayee = "high_s_with_payee_field"
    }

    public let code: Code
    /// What is wrong, in words.
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ error: Bech32Error) {
        let code: Code =
            switch error {
            case .mixedCase: .mixedCase
            case .badCharacter: .badCharacter
            case .noSeparator: .noSeparator
            case .tooShort: .tooShort
            case .badChecksum: .badChecksum
            }
        self.init(code, "\(error)")
    }

    public var description: String { "not a valid invoice (\(code.rawValue)): \(detail)" }

    public static func == (left: Bolt11Error, right: Bolt11Error) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
