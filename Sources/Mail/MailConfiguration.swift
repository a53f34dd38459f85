// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Settings

/// Who delivers mails, and with which credentials.
public enum MailProvider: Sendable, Hashable {
    case postmark(token: Secret)
    case sendgrid(key: Secret)
    /// - Parameter isEuropean: whether the account is in Mailgun's EU region.
    case mailgun(key: Secret, domain: String, isEuropean: Bool)
    case sendlayer(key: Secret)
    case resend(key: Secret)
    case smtp(SMTPServer)
}

/// A mail server to hand mails to.
public struct SMTPServer: Sendable, Hashable {
    public var host: String
    /// TLS from the start on 465, STARTTLS on every other port.
    public var port: Int
    /// Logs in when there is a user.
    public var user: String?
    public var password: Secret?
    /// Speaks without TLS; for a server on the loopback only.
    public var isPlainText: Bool
    /// File of certificate authorities in PEM; `nil` for the system's.
    public var authoritiesPath: String?

    public init(
        host: String,
        port: Int = 587,
        user: String? = nil,
        password: Secret? = nil,
        isPlainText: Bool = false,
        authoritiesPath: String? = nil
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.isPlainText = isPlainText
        self.authoritiesPath = authoritiesPath
    }

    var isLoopback: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }
}

/// Everything that is needed to send mails.
public struct MailConfiguration: Sendable, Hashable {
    public var provider: MailProvider
    public var sender: MailSender
    /// Takes the place of scheme, host and port of an HTTP provider, for tests.
    public var baseURL: String?

    public init(provider: MailProvider, sender: MailSender, baseURL: String? = nil) {
        self.provider = provider
        self.sender = sender
        self.baseURL = baseURL
    }
}

/// What is missing or wrong in the settings of mail.
public struct MailConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence that names the setting.
    public let description: String
}

extension MailConfiguration {
    /// Reads the settings of mail.
    ///
    /// - Throws: ``MailConfigurationError`` for the first that is missing or wrong.
    public init(_ settings: Settings) throws(MailConfigurationError) {
        let address: EmailAddress
        let sender: MailSender
        do {
            address = try EmailAddress(try Self.text(.mailFromEmail, settings))
        } catch let error as MailConfigurationError {
            throw error
        } catch {
            throw Self.error(.mailFromEmail, "is \(error)")
        }
        do { sender = try MailSender(address: address, name: try Self.text(.mailFromName, settings)) } catch {
            throw Self.error(.mailFromName, "is \(error)")
        }
        self.init(provider: try Self.provider(settings), sender: sender, baseURL: try Self.baseURL(settings))
    }

    private static func provider(_ settings: Settings) throws(MailConfigurationError) -> MailProvider {
        switch try text(.mailProvider, settings) {
        case "postmark": return .postmark(token: try secret(.postmarkToken, settings))
        case "sendgrid": return .sendgrid(key: try secret(.sendgridKey, settings))
        case "mailgun":
            let domain = try text(.mailgunDomain, settings)
            guard (try? EmailAddress("a@\(domain)")) != nil else { throw error(.mailgunDomain, "is not a domain") }
            return .mailgun(
                key: try secret(.mailgunKey, settings),
                domain: domain,
                isEuropean: settings.text(.mailgunRegion) == "eu"
            )
        case "sendlayer": return .sendlayer(key: try secret(.sendlayerKey, settings))
        case "resend": return .resend(key: try secret(.resendKey, settings))
        default: return .smtp(try smtpServer(settings))
        }
    }

    private static func smtpServer(_ settings: Settings) throws(MailConfigurationError) -> SMTPServer {
        let server = SMTPServer(
            host: try text(.smtpHost, settings),
            port: settings.integer(.smtpPort) ?? 587,
            user: settings.text(.smtpUser),
            password: settings.secret(.smtpPassword),
            isPlainText: settings.isOn(.smtpPlainText),
            authoritiesPath: settings.text(.smtpAuthorities)
        )
        let isHost = server.host.utf8.allSatisfy { byte in
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
                || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard isHost else { throw error(.smtpHost, "is not a host name or address") }
        guard !server.isPlainText || server.isLoopback else {
            throw error(.smtpPlainText, "is on, but \(Setting.smtpHost.name) is not this host's loopback: use TLS")
        }
        if server.user != nil, server.password == nil {
            throw error(.smtpPassword, "has to be set, since \(Setting.smtpUser.name) is")
        }
        return server
    }

    private static func baseURL(_ settings: Settings) throws(MailConfigurationError) -> String? {
        guard let url = settings.text(.mailBaseURL) else { return nil }
        guard url.hasPrefix("https://") || url.hasPrefix("http://127.0.0.1:"), !url.hasSuffix("/") else {
            throw error(.mailBaseURL, "has to begin with https:// or http://127.0.0.1: and not end with a slash")
        }
        return url
    }

    private static func text(_ setting: Setting, _ settings: Settings) throws(MailConfigurationError) -> String {
        guard let text = settings.text(setting) else { throw error(setting, "has to be set for mails to be sent") }
        return text
    }

    private static func secret(_ setting: Setting, _ settings: Settings) throws(MailConfigurationError) -> Secret {
        let text = try text(setting, settings)
        guard text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }) else {
            throw error(setting, "holds a character that no key has")
        }
        return Secret(text)
    }

    private static func error(_ setting: Setting, _ fault: String) -> MailConfigurationError {
        MailConfigurationError(description: "\(setting.name) \(fault)")
    }
}
