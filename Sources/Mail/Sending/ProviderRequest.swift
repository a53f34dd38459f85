// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import Settings

/// One call of a mail provider's HTTP interface, without anything about connections.
struct ProviderRequest: Sendable, Hashable {
    let url: String
    let headers: [String: String]
    let body: [UInt8]

    /// The call that sends a mail; `nil` when the provider is a mail server.
    init?(_ message: MailMessage, _ configuration: MailConfiguration) {
        let sender = configuration.sender
        switch configuration.provider {
        case .postmark(let token):
            self.init(
                "https://api.postmarkapp.com",
                "/email",
                configuration,
                ["Accept": "application/json", "X-Postmark-Server-Token": token.text],
                PostmarkBody(
                    From: sender.combined,
                    To: message.to.text,
                    Subject: message.subject,
                    TextBody: message.text,
                    HtmlBody: message.html
                )
            )
        case .sendgrid(let key):
            self.init(
                "https://api.sendgrid.com",
                "/v3/mail/send",
                configuration,
                Self.bearer(key.text),
                SendGridBody(
                    personalizations: [.init(to: [.init(email: message.to.text)])],
                    from: .init(email: sender.address.text, name: sender.name),
                    subject: message.subject,
                    content: [
                        .init(type: "text/plain", value: message.text), .init(type: "text/html", value: message.html),
                    ]
                )
            )
        case .mailgun(let key, let domain, let isEuropean):
            let host = isEuropean ? "https://api.eu.mailgun.net" : "https://api.mailgun.net"
            let headers = [
                "Authorization": "Basic " + Base64.encode(Array("api:\(key.text)".utf8)),
                "Content-Type": "application/x-www-form-urlencoded",
            ]
            let fields = [
                ("from", sender.combined), ("to", message.to.text), ("subject", message.subject),
                ("text", message.text), ("html", message.html),
            ]
            let body = Array(fields.map { "\($0)=\(Self.formEncoded($1))" }.joined(separator: "&").utf8)
            let url = (configuration.baseURL ?? host) + "/v3/\(domain)/messages"
            self.init(url: url, headers: headers, body: body)
        case .sendlayer(let key):
            self.init(
                "https://console.sendlayer.com",
                "/api/v1/email",
                configuration,
                Self.bearer(key.text),
                SendLayerBody(
                    From: .init(Email: sender.address.text, Name: sender.name),
                    To: [.init(Email: message.to.text)],
                    Subject: message.subject,
                    TextBody: message.text,
                    HtmlBody: message.html
                )
            )
        case .resend(let key):
            self.init(
                "https://api.resend.com",
                "/emails",
                configuration,
                Self.bearer(key.text),
                ResendBody(
                    from: sender.combined,
                    to: [message.to.text],
                    subject: message.subject,
                    text: message.text,
                    html: message.html
                )
            )
        case .smtp: return nil
        }
    }

    private init(url: String, headers: [String: String], body: [UInt8]) {
        self.url = url
        self.headers = headers
        self.body = body
    }

    private init(
        _ base: String,
        _ path: String,
        _ configuration: MailConfiguration,
        _ headers: [String: String],
        _ body: some Encodable
    ) {
        url = (configuration.baseURL ?? base) + path
        self.headers = headers.merging(["Content-Type": "application/json"]) { first, _ in first }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(body) else { preconditionFailure("texts have a JSON form") }
        self.body = Array(json)
    }

    private static func bearer(_ key: String) -> [String: String] { ["Authorization": "Bearer \(key)"] }

    /// As a form's field (WHATWG URL, application/x-www-form-urlencoded), with %20 for a space.
    static func formEncoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "*"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }
}

// The names are the providers'.

private struct PostmarkBody: Encodable {
    let From, To, Subject, TextBody, HtmlBody: String
}

private struct SendGridBody: Encodable {
    struct Address: Encodable {
        let email: String
        var name: String?
    }
    struct Personalization: Encodable { let to: [Address] }
    struct Content: Encodable { let type, value: String }
    let personalizations: [Personalization]
    let from: Address
    let subject: String
    let content: [Content]
}

private struct SendLayerBody: Encodable {
    struct Address: Encodable {
        let Email: String
        var Name: String?
    }
    let From: Address
    let To: [Address]
    let Subject, TextBody, HtmlBody: String
}

private struct ResendBody: Encodable {
    let from: String
    let to: [String]
    let subject, text, html: String
}
