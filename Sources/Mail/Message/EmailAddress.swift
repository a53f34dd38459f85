// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why an address or a sender's name may not stand in a mail's header.
public enum AddressError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformedAddress
    case malformedName

    public var description: String {
        switch self {
        case .malformedAddress: "not an e-mail address: it needs one @ with a name before and a domain after it"
        case .malformedName: "not a sender's name: use letters, digits, spaces and simple punctuation"
        }
    }
}

/// An e-mail address in a form that is safe in headers: one @, at most 254 bytes, no spaces, quotes or control characters.
///
/// The text is kept exactly as it was given. It prints as `[redacted]`, since addresses have no place in a log.
public struct EmailAddress: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    public let text: String

    public init(_ text: String) throws(AddressError) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard text.utf8.count <= 254, parts.count == 2, (1...64).contains(parts[0].utf8.count), !parts[1].isEmpty else {
            throw .malformedAddress
        }
        guard text.unicodeScalars.allSatisfy(Self.isAllowed), Self.isDomain(parts[1]) else { throw .malformedAddress }
        self.text = text
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar.value > 0x20 && scalar.value < 0x7F && !"<>()[],;:\\\"".unicodeScalars.contains(scalar)
        }
        return !scalar.isInvisible
    }

    private static func isDomain(_ domain: Substring) -> Bool {
        domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.unicodeScalars.first, let last = label.unicodeScalars.last else { return false }
            guard first != "-", last != "-" else { return false }
            return label.unicodeScalars.allSatisfy {
                !$0.isASCII || $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-"
            }
        }
    }

    public var description: String { "[redacted]" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Whom mails come from.
public struct MailSender: Sendable, Hashable {
    public let address: EmailAddress
    /// At most 100 bytes, without control characters and without what ends a name in a header.
    public let name: String

    public init(address: EmailAddress, name: String) throws(AddressError) {
        guard !name.isEmpty, name.utf8.count <= 100 else { throw .malformedName }
        guard name.unicodeScalars.allSatisfy({ !$0.isInvisible && !"<>\"\\,;:@".unicodeScalars.contains($0) }) else {
            throw .malformedName
        }
        self.address = address
        self.name = name
    }

    /// `NAME <ADDRESS>`.
    var combined: String { "\(name) <\(address.text)>" }
}

extension Unicode.Scalar {
    /// Whether it could end a line or hide text.
    fileprivate var isInvisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
