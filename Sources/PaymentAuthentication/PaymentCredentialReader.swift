// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// The outcome of looking for a Payment credential in a request.
public enum PaymentCredentialReading: Sendable, Hashable {
    /// No line speaks the Payment scheme.
    case none
    case credential(PaymentCredential)
    /// A line speaks the scheme but cannot be read, or two lines hold different credentials: 401.
    case malformed
    /// A credential of more than 64 KiB: 431.
    case tooLarge
}

/// Reads the Payment credential out of a request's `Authorization` lines.
///
/// The scheme's name may have any case, any run of blanks may follow it, and lines with other schemes are ignored.
public enum PaymentCredentialReader {
    /// The longest credential, decoded, in bytes.
    public static let sizeLimit = 65_536

    /// Reads the credential.
    /// - Parameter lines: all values of `Authorization`, in order.
    public static func read(_ lines: [String]) -> PaymentCredentialReading {
        var found: PaymentCredentialReading = .none
        for token in lines.compactMap(tokens).joined() {
            let reading = read(token: token)
            guard case .credential = reading else { return reading }
            // The same credential twice is one; two different ones are nobody's intention.
            guard found == .none || found == reading else { return .malformed }
            found = reading
        }
        return found
    }

    private static func read(token: Substring) -> PaymentCredentialReading {
        // Longer text cannot decode to less than the limit: four characters hold at most three bytes.
        guard token.utf8.count <= (sizeLimit + 2) / 3 * 4 else { return .tooLarge }
        guard let json = Base64.decode(token, alphabet: .urlSafe, padding: .optional) else { return .malformed }
        guard json.count <= sizeLimit else { return .tooLarge }
        return PaymentCredential(json: json).map(PaymentCredentialReading.credential) ?? .malformed
    }

    /// The tokens of a line of ours, or `nil` for a line of another scheme.
    ///
    /// An intermediary may have folded several lines into one with commas; a token never holds a comma.
    private static func tokens(in line: String) -> [Substring]? {
        let parts = line.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(Substring.init)
        guard let first = parts.first, afterScheme(first) != nil else { return nil }
        return parts.compactMap(afterScheme)
    }

    /// What follows the scheme's name, without the blanks around it; `nil` when the text begins with another word.
    private static func afterScheme(_ text: Substring) -> Substring? {
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        let word = text.prefix { !isBlank($0) }
        guard word.lowercased() == "payment" else { return nil }
        return text[word.endIndex...].drop(while: isBlank)
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
}
