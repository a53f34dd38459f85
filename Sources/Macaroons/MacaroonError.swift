// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a macaroon.
///
/// Two errors are equal when their codes are; the detail says where, and never quotes the input.
public struct MacaroonError: Error, Hashable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable, Hashable {
        /// No bytes at all.
        case empty
        /// The first byte is neither 0x02 nor a lower-case hexadecimal digit.
        case unknownVersion
        /// The input ends inside a field.
        case truncated
        /// A length is written in more bytes than needed, or does not fit.
        case badLength
        /// A field is unknown, missing, repeated or out of order.
        case unexpectedField
        /// The signature is not 32 bytes.
        case badSignatureLength
        /// Bytes follow the signature.
        case trailingBytes
        /// Text is not UTF-8.
        case notText
        /// The macaroon, a caveat or the number of caveats is over the limit.
        case tooLarge
    }

    public let code: Code
    /// Where the fault lies, in words.
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { "\(code.rawValue): \(detail)" }

    public static func == (left: MacaroonError, right: MacaroonError) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
