// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why something is not an event we accept.
public enum NostrEventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The JSON is not an event in form; the text names the first fault.
    case malformed(String)
    /// The id is not the hash of the event.
    case idMismatch
    /// The signature is not the key's over the id, or the key is no point.
    case badSignature

    public var description: String {
        switch self {
        case .malformed(let fault): "not a Nostr event: \(fault)"
        case .idMismatch: "the event's id is not the SHA-256 of its canonical form (NIP-01)"
        case .badSignature: "the event's signature is not its key's (BIP 340)"
        }
    }
}

/// How large an event may be.
public struct EventLimits: Sendable, Hashable {
    /// Bytes of JSON.
    public var bytes: Int
    public var tags: Int
    public var stringsPerTag: Int

    public init(bytes: Int, tags: Int, stringsPerTag: Int) {
        self.bytes = bytes
        self.tags = tags
        self.stringsPerTag = stringsPerTag
    }

    /// What relays commonly take: 64 KiB, 2000 tags of 100 strings.
    public static let relay = EventLimits(bytes: 65536, tags: 2000, stringsPerTag: 100)

    /// What a request's header may carry: 6 KiB, 16 tags of 8 strings.
    public static let httpAuthorization = EventLimits(bytes: 6144, tags: 16, stringsPerTag: 8)

    /// Brackets of JSON within each other: members that we do not know may hold a little of it.
    static let depth = 8
}
