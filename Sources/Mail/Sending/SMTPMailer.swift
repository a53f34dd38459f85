// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Dispatch
internal import FoundationEssentials
internal import Settings

/// Sends mails to a mail server (RFC 5321), one at a time on a thread of its own.
public final class SMTPMailer: Mailer {
    private let server: SMTPServer
    private let sender: MailSender
    private let timeout: Duration
    private let startsWithTLS: Bool
    private let thread = DispatchQueue(label: "smtp", qos: .utility)

    /// - Precondition: plain text is for the loopback only.
    public convenience init(_ server: SMTPServer, sender: MailSender, timeout: Duration = .seconds(30)) {
        self.init(server, sender: sender, timeout: timeout, startsWithTLS: server.port == 465 && !server.isPlainText)
    }

    /// - Parameter startsWithTLS: whether TLS comes before the first word, on whatever port.
    init(_ server: SMTPServer, sender: MailSender, timeout: Duration, startsWithTLS: Bool) {
        precondition(!server.isPlainText || server.isLoopback, "mails do not leave the host without TLS")
        self.server = server
        self.sender = sender
        self.timeout = timeout
        self.startsWithTLS = startsWithTLS
    }

    public func send(_ message: MailMessage) async throws(MailFailure) {
        guard let cancellation = Cancellation() else { throw .failed }
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                thread.async { [self] in continuation.resume(returning: deliver(message, cancellation)) }
            }
        } onCancel: {
            cancellation.cancel()
        }
        if let failure { throw failure }
    }

    private func deliver(_ message: MailMessage, _ cancellation: Cancellation) -> MailFailure? {
        let bytes = MIMEMessage(message, from: sender, at: .now).bytes
        let host = server.host.contains(":") ? "[\(server.host)]" : server.host
        let scheme = startsWithTLS ? "smtps" : "smtp"
        var code = 0
        let outcome = withCStrings([
            "\(scheme)://\(host):\(server.port)", sender.address.text, message.to.text, server.authoritiesPath,
            server.user, server.password?.text,
        ]) { texts -> ccurl_outcome in
            guard let url = texts[0], let from = texts[1], let to = texts[2] else { return ccurl_failed }
            return bytes.withUnsafeBufferPointer { bytes in
                guard let start = bytes.baseAddress else { return ccurl_failed }
                var mail = ccurl_mail(
                    url: url,
                    requires_tls: server.isPlainText ? 0 : 1,
                    authorities_path: texts[3],
                    user: texts[4],
                    password: texts[5],
                    from: from,
                    to: to,
                    message: start,
                    length: bytes.count,
                    timeout_ms: Int(timeout / .milliseconds(1))
                )
                return ccurl_send_mail(&mail, cancellation.pointer, &code)
            }
        }
        return Self.failure(outcome, code)
    }

    private static func failure(_ outcome: ccurl_outcome, _ code: Int) -> MailFailure? {
        switch outcome {
        case ccurl_sent: nil
        case ccurl_refused: .refused(status: code)
        case ccurl_refused_login: .refusedLogin
        case ccurl_no_tls: .noTLS
        case ccurl_timed_out: .timedOut
        case ccurl_unreachable: .unreachable
        case ccurl_cancelled: .cancelled
        default: code >= 400 ? .refused(status: code) : .failed
        }
    }
}

/// Stops a transfer from another thread.
///
/// Unchecked because of the pointer: what it points to is one atomic integer.
private final class Cancellation: @unchecked Sendable {
    let pointer: OpaquePointer

    init?() {
        guard let pointer = ccurl_cancellation_make() else { return nil }
        self.pointer = pointer
    }

    deinit { ccurl_cancellation_free(pointer) }

    func cancel() { ccurl_cancel(pointer) }
}

/// Lends texts as C strings for the length of a call.
private func withCStrings<Result>(_ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
    func lend(_ index: Int, _ lent: [UnsafePointer<CChar>?]) -> Result {
        guard index < texts.count else { return body(lent) }
        guard let text = texts[index] else { return lend(index + 1, lent + [nil]) }
        return text.withCString { lend(index + 1, lent + [$0]) }
    }
    return lend(0, [])
}
