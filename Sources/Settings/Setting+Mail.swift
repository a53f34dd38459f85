// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    public static let mailProvider = Setting(
        "MAIL_PROVIDER",
        .choice(["postmark", "sendgrid", "mailgun", "sendlayer", "resend", "smtp"]),
        "Who delivers the signer's mails."
    )
    public static let mailFromEmail = Setting("MAIL_FROM_EMAIL", .text, "Address that the signer's mails come from.")
    public static let mailFromName = Setting(
        "MAIL_FROM_NAME",
        .text,
        default: "Pomade Signer",
        "Name that the signer's mails come from."
    )
    public static let mailBaseURL = Setting(
        "MAIL_API_BASE",
        .text,
        "Takes the place of scheme, host and port of the mail provider's URL, for tests."
    )
    public static let postmarkToken = Setting("POSTMARK_API_TOKEN", .secret, "Server token of Postmark.")
    public static let sendgridKey = Setting("SENDGRID_API_KEY", .secret, "API key of SendGrid.")
    public static let mailgunKey = Setting("MAILGUN_API_KEY", .secret, "API key of Mailgun.")
    public static let mailgunDomain = Setting("MAILGUN_DOMAIN", .text, "Sending domain at Mailgun.")
    public static let mailgunRegion = Setting(
        "MAILGUN_API_REGION",
        .choice(["us", "eu"]),
        default: "us",
        "Region of the account at Mailgun."
    )
    public static let sendlayerKey = Setting("SENDLAYER_API_KEY", .secret, "API key of SendLayer.")
    public static let resendKey = Setting("RESEND_API_KEY", .secret, "API key of Resend.")
    public static let smtpHost = Setting("SMTP_HOST", .text, "Mail server's name.")
    public static let smtpPort = Setting(
        "SMTP_PORT",
        .integer(1...65535),
        default: "587",
        "Mail server's port: TLS from the start on 465, STARTTLS, which is then required, on every other."
    )
    public static let smtpUser = Setting("SMTP_USER", .text, "User at the mail server; without one nobody logs in.")
    public static let smtpPassword = Setting("SMTP_PASSWORD", .secret, "Password of SMTP_USER.")
    public static let smtpPlainText = Setting(
        "ASSAY_SMTP_PLAIN_TEXT",
        .boolean,
        default: "false",
        "Speaks to the mail server without TLS; only for one on this host's loopback."
    )
    public static let smtpAuthorities = Setting(
        "ASSAY_SMTP_CA_FILE",
        .path,
        "Certificate authorities (PEM) of the mail server in place of the system's."
    )

    static let mail = [
        mailProvider, mailFromEmail, mailFromName, mailBaseURL, postmarkToken, sendgridKey, mailgunKey, mailgunDomain,
        mailgunRegion, sendlayerKey, resendKey, smtpHost, smtpPort, smtpUser, smtpPassword, smtpPlainText,
        smtpAuthorities,
    ]
}
