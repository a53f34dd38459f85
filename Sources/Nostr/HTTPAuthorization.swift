// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto

/// A request that the holder of a key signed for this moment, method and URL (NIP-98).
///
/// Only ``init(header:expecting:now:)`` makes one, so whoever has a value may rely on ``key``. Against a second use of the
/// same header there is ``ReplayCache``.
public struct HTTPAuthorization: Sendable, Hashable {
    /// The kind of its events.
    public static let kind: UInt16 = 27235
    /// How far, in seconds, `created_at` may be from now, in either direction and inclusive.
    public static let window: Int64 = 60
    /// The largest header, in characters.
    static let headerLimit = 8192

    public let event: NostrEvent

    /// Who signed.
    public var key: NostrKey { event.key }

    /// What a header has to say to be accepted.
    public struct Expectation: Sendable, Hashable {
        /// The URLs under which the resource may be called, in full, the usual one first.
        public var urls: [String]
        /// Compared without regard to case.
        public var method: String
        /// SHA-256 of the body as it came, 32 bytes.
        public var bodyDigest: [UInt8]
        /// Whether a `payload` tag has to be there.
        public var requiresPayload: Bool

        public init(urls: [String], method: String = "POST", bodyDigest: [UInt8], requiresPayload: Bool = false) {
            self.urls = urls
            self.method = method
            self.bodyDigest = bodyDigest
            self.requiresPayload = requiresPayload
        }

        public init(urls: [String], method: String = "POST", body: [UInt8], requiresPayload: Bool = false) {
            let digest = Array(SHA256.hash(data: body))
            self.init(urls: urls, method: method, bodyDigest: digest, requiresPayload: requiresPayload)
        }
    }

    /// Checks a header: the cheap conditions first, the signature last.
    ///
    /// - Parameters:
    ///   - header: the value of `Authorization`, or `nil` when there is none. The scheme may be in any case, and the
    ///     padding of the base64 left out.
    ///   - now: Unix seconds.
    /// - Throws: ``HTTPAuthorizationFailure``.
    public init(header: String?, expecting expected: Expectation, now: Int64) throws(HTTPAuthorizationFailure) {
        let event = try Self.event(in: header)
        guard event.kind == Self.kind else { throw .wrongKind }
        let age = now.subtractingReportingOverflow(event.createdAt)
        guard !age.overflow, (-Self.window...Self.window).contains(age.partialValue) else { throw .expired }
        guard let url = try event.only("u"), expected.urls.contains(where: { URLText.areSame($0, url) }) else {
            throw .urlMismatch
        }
        guard let method = try event.only("method"), URLText.lowercased(method) == URLText.lowercased(expected.method)
        else { throw .methodMismatch }
        if let payload = try event.only("payload") {
            guard let digest = Hex.decode(payload), digest == expected.bodyDigest else { throw .payloadMismatch }
        } else if expected.requiresPayload {
            throw .payloadRequired
        }
        do {
            try event.verify()
        } catch {
            switch error {
            case .idMismatch: throw .idMismatch
            case .badSignature: throw .badSignature
            case .malformed(let fault): throw .malformed(fault)
            }
        }
        self.event = event
    }

    private static func event(in header: String?) throws(HTTPAuthorizationFailure) -> NostrEvent {
        guard let header else { throw .missing }
        guard header.utf8.count <= headerLimit else { throw .malformed("more than \(headerLimit) characters") }
        let characters = header.utf8
        let scheme = "nostr".utf8
        guard characters.count > scheme.count, zip(characters, scheme).allSatisfy({ $0 | 0x20 == $1 }) else {
            throw .missing
        }
        let rest = characters.dropFirst(scheme.count)
        guard let first = rest.first, isSpace(first) else { throw .missing }
        var token = rest.drop(while: isSpace)
        while let last = token.last, isSpace(last) { token.removeLast() }
        guard let json = Base64.decode(Substring(token), padding: .optional), !json.isEmpty else {
            throw .malformed("no base64 after the scheme")
        }
        do { return try NostrEvent(json: json, limits: .httpAuthorization) } catch {
            if case .malformed(let fault) = error { throw .malformed(fault) }
            throw .malformed("\(error)")
        }
    }

    private static func isSpace(_ character: UInt8) -> Bool { character == 0x20 || character == 0x09 }
}

extension HTTPAuthorization {
    /// The event that authorises one request, to be signed.
    ///
    /// - Parameters:
    ///   - body: a request without one, such as a GET, gets no `payload` tag.
    ///   - createdAt: Unix seconds.
    public static func event(
        key: NostrKey,
        url: String,
        method: String = "POST",
        body: [UInt8]?,
        createdAt: Int64
    ) -> UnsignedEvent {
        var tags = [["u", url], ["method", method]]
        if let body { tags.append(["payload", Hex.encode(Array(SHA256.hash(data: body)))]) }
        return UnsignedEvent(key: key, createdAt: createdAt, kind: kind, tags: tags)
    }

    /// The value of `Authorization` for a signed event.
    public static func header(_ event: NostrEvent) -> String { "Nostr " + Base64.encode(event.json) }
}

extension NostrEvent {
    /// The value of a tag that may be there once.
    fileprivate func only(_ name: String) throws(HTTPAuthorizationFailure) -> String? {
        var found: [String]?
        for tag in tags where tag.first == name {
            guard found == nil else { throw .malformed("two '\(name)' tags") }
            found = tag
        }
        guard let found else { return nil }
        guard found.count >= 2 else { throw .malformed("a '\(name)' tag without a value") }
        return found[1]
    }
}
