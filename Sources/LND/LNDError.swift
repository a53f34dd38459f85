// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a call to LND gave no result.
public struct LNDError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was: decided by transport and status, never by an English sentence.
    public enum Class: String, Sendable, Hashable, CaseIterable {
        /// The caller gave up; says nothing about the node.
        case cancelled
        /// The macaroon was refused.
        case auth
        /// The node asks for patience (429).
        case busy
        /// This LND does not have the call.
        case unsupported
        /// The node could not be reached, was too slow, or what answered is not LND.
        case transport
        /// The breaker is open: the call was not sent.
        case breakerOpen = "breaker_open"
        /// LND is alive and said no; ``LNDError/meaning`` says what it meant.
        case answered
    }

    /// What an answered error means, read from LND's message where LND uses no specific code.
    public enum Meaning: String, Sendable, Hashable, CaseIterable, Codable {
        case notFound = "not_found"
        case noRoute = "no_route"
        case insufficientLocalBalance = "insufficient_local_balance"
        case invoiceAlreadyExists = "invoice_already_exists"
        case invoiceAlreadySettled = "invoice_already_settled"
        case alreadyPaid = "already_paid"
        case invoiceExpired = "invoice_expired"
        case wrongNetwork = "wrong_network"
        case invalidArgument = "invalid_argument"
        /// The macaroon is missing, foreign, expired or lacks the permission.
        case macaroonRefused = "macaroon_refused"
        /// The wallet is locked or the node is starting.
        case notReady = "not_ready"
        /// A sentence that is not in the table: no conclusion may be drawn from it.
        case unclassified
    }

    public let errorClass: Class
    /// Set when the class is `answered`.
    public let meaning: Meaning?
    /// The name of the call, for logs and metrics.
    public let call: String
    /// The gRPC code in LND's answer, if there was one.
    public let grpcCode: Int?
    /// LND's message or the transport's; shown to operators only.
    public let detail: String
    /// How long the node asked to be left alone, when it said so.
    public internal(set) var retryAfter: Duration?

    /// Whether the same call may be sent again: always for a read, never for a payment whose fate is unknown.
    public var isTransient: Bool {
        switch errorClass {
        case .busy, .transport, .breakerOpen: true
        case .answered: meaning == .notReady
        case .cancelled, .auth, .unsupported: false
        }
    }

    public var description: String {
        "LND \(call): \(errorClass.rawValue)\(meaning.map { " (\($0.rawValue))" } ?? ""): \(detail)"
    }
}
