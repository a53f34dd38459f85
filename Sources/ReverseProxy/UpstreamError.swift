// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a backend's answer could not be had.
public enum UpstreamError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What took too long.
    public enum Phase: String, Sendable {
        /// The connection was not made.
        case connect
        /// The answer did not begin.
        case response
        /// The answer stopped halfway.
        case stall
        /// The whole exchange.
        case total
    }

    /// No connection.
    case unreachable(String)
    case timedOut(Phase)
    /// The backend's certificate is not valid for its name, or TLS failed otherwise.
    case tls(String)
    /// The answer is not HTTP, or ended too early.
    case badAnswer(String)
    /// The client's body is larger than allowed.
    case requestBodyTooLarge
    /// The client's body ended too early or cannot be read.
    case requestBodyBroken
    case cancelled

    /// One word for metrics.
    public var label: String {
        switch self {
        case .unreachable: "unreachable"
        case .timedOut(let phase): "timeout_\(phase.rawValue)"
        case .tls: "tls"
        case .badAnswer: "bad_answer"
        case .requestBodyTooLarge: "body_too_large"
        case .requestBodyBroken: "body_broken"
        case .cancelled: "cancelled"
        }
    }

    public var description: String {
        switch self {
        case .unreachable(let detail): "no connection: \(detail)"
        case .timedOut(let phase): "timed out: \(phase.rawValue)"
        case .tls(let detail): "TLS failed: \(detail)"
        case .badAnswer(let detail): "the answer cannot be used: \(detail)"
        case .requestBodyTooLarge: "the request's body is too large"
        case .requestBodyBroken: "the request's body cannot be read"
        case .cancelled: "cancelled"
        }
    }
}
