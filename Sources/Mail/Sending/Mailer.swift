// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a mail was not handed over; never with an address, a code or a provider's words in it.
public enum MailFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The provider answered with another status than 2xx, or the mail server with this reply code.
    case refused(status: Int)
    case refusedLogin
    /// TLS could not be had, or the certificate was not the server's.
    case noTLS
    case timedOut
    case unreachable
    case cancelled
    case failed

    /// A word from a closed set, for metrics.
    public var reason: String {
        switch self {
        case .refused: "refused"
        case .refusedLogin: "login"
        case .noTLS: "tls"
        case .timedOut: "timeout"
        case .unreachable: "unreachable"
        case .cancelled: "cancelled"
        case .failed: "other"
        }
    }

    public var description: String {
        switch self {
        case .refused(let status): "refused with \(status)"
        case .refusedLogin: "the server refused the user or password"
        case .noTLS: "no TLS with a valid certificate"
        case .timedOut: "no answer within 30 seconds"
        case .unreachable: "the server cannot be reached"
        case .cancelled: "given up at the program's end"
        case .failed: "the mail could not be sent"
        }
    }
}

/// Hands mails over to whoever delivers them.
public protocol Mailer: Sendable {
    /// Sends one mail, within 30 seconds.
    func send(_ message: MailMessage) async throws(MailFailure)
}
