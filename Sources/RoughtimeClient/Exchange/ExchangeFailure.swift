// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
public import Roughtime

/// Why there is no answer.
public enum ExchangeFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// No valid answer came in time; so many others came, the last of which was wrong for this reason.
    case silence(ignored: Int, last: VerificationFailure?)
    case unresolved(host: String)
    case unreachable(String)
    /// The server closed the connection.
    case closed
    /// The HTTP status with which a request was refused.
    case refused(status: Int)
    /// Nothing can be asked: the versions do not fit the transport, the nonce or each other.
    case nothingToOffer
    case noEndpoint

    /// In the system's words where the system refused.
    static func unreachable(because error: any Error) -> ExchangeFailure {
        .unreachable((error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)")
    }

    public var description: String {
        switch self {
        case .silence(0, _): "no answer in time: is UDP let through, and are the port and the public key right?"
        case .silence(_, .delegationSignature?): "answers, but not with this public key"
        case .silence(let ignored, let last):
            "no valid answer in time; \(ignored) were ignored" + (last.map { ", the last because: \($0)" } ?? "")
        case .unresolved(let host): "'\(host)' has no address"
        case .unreachable(let reason): "cannot be reached: \(reason)"
        case .closed: "the server closed the connection without a valid answer"
        case .refused(let status): "the server refused the request with HTTP status \(status)"
        case .nothingToOffer:
            """
            no such request: drafts 01 to 04, Google's version and the rest need requests of their own, and Google's \
            version has no TCP
            """
        case .noEndpoint: "the server has no address for this transport"
        }
    }

    /// Whether trying again is pointless.
    var isFinal: Bool {
        switch self {
        case .nothingToOffer, .noEndpoint: true
        case .refused(let status): (400..<500).contains(status) && status != 408 && status != 429
        default: false
        }
    }
}
