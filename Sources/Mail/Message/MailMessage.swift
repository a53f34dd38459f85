// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A mail to one person, as text and as HTML.
public struct MailMessage: Sendable, Hashable {
    /// What it is for; the only thing about a mail that is logged.
    public enum Purpose: String, Sendable, Hashable, CaseIterable {
        case oneTimePassword = "one_time_password"
        case confirmation
        case recoveryPending = "recovery_pending"
        case recoveryDone = "recovery_done"
        case recoveryCancelled = "recovery_cancelled"
        case passwordChanged = "password_changed"
        case signIn = "sign_in"
        case shareExpiring = "share_expiring"
    }

    public let purpose: Purpose
    public let to: EmailAddress
    /// One line.
    public let subject: String
    public let text: String
    public let html: String

    /// Makes a mail of paragraphs, one of which may be a link or a code that stands out.
    init(_ purpose: Purpose, to: EmailAddress, subject: String, _ paragraphs: [Paragraph]) {
        self.purpose = purpose
        self.to = to
        self.subject = subject.map { $0.isNewline ? " " : String($0) }.joined()
        text = paragraphs.map(\.text).joined(separator: "\n\n") + "\n"
        html = "<!doctype html><html><body>" + paragraphs.map(\.html).joined() + "</body></html>"
    }

    enum Paragraph {
        case plain(String)
        case code(String)
        case link(String)

        var text: String {
            switch self {
            case .plain(let text), .code(let text), .link(let text): text
            }
        }

        var html: String {
            switch self {
            case .plain(let text): "<p>\(escaped(text))</p>"
            case .code(let text):
                "<p><strong style=\"font-size:1.5em;letter-spacing:.1em\">\(escaped(text))</strong></p>"
            case .link(let text): "<p><a href=\"\(escaped(text))\">\(escaped(text))</a></p>"
            }
        }

        private func escaped(_ text: String) -> String {
            var out = ""
            for character in text.unicodeScalars {
                switch character {
                case "&": out += "&amp;"
                case "<": out += "&lt;"
                case ">": out += "&gt;"
                case "\"": out += "&quot;"
                case "'": out += "&#39;"
                default: out.unicodeScalars.append(character)
                }
            }
            return out
        }
    }
}
