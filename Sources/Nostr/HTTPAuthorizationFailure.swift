// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a request's `Authorization: Nostr` header is not accepted (NIP-98).
///
/// The text may go into a reply: it says what the client can do, and nothing about other requests.
public enum HTTPAuthorizationFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// No header, or another scheme.
    case missing
    /// Not base64 of an event; the text names the first fault.
    case malformed(String)
    case wrongKind
    /// `created_at` is more than the window away from now.
    case expired
    case urlMismatch
    case methodMismatch
    case payloadMismatch
    case payloadRequired
    case idMismatch
    case badSignature

    public var description: String {
        switch self {
        case .missing: "send 'Authorization: Nostr ' and a base64 event of kind 27235 (NIP-98)"
        case .malformed(let fault): "the Authorization header is malformed: \(fault)"
        case .wrongKind: "the event in the Authorization header is not of kind 27235"
        case .expired: "created_at is more than 60 seconds from the server's time: check the clock, then sign again"
        case .urlMismatch: "the 'u' tag is not the URL that was called"
        case .methodMismatch: "the 'method' tag is not the method of the request"
        case .payloadMismatch: "the 'payload' tag is not the SHA-256 of the body"
        case .payloadRequired: "add a 'payload' tag with the SHA-256 of the body"
        case .idMismatch: "the event's id is not the SHA-256 of its canonical form (NIP-01)"
        case .badSignature: "the event's signature is not its key's (BIP 340)"
        }
    }
}
