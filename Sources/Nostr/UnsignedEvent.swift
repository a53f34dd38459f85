// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
public import Secp256k1

/// What an event says, before or without its signature (NIP-01).
public struct UnsignedEvent: Sendable, Hashable {
    /// Whose event it is.
    public var key: NostrKey
    /// Unix seconds.
    public var createdAt: Int64
    /// 0 to 65535.
    public var kind: UInt16
    public var tags: [[String]]
    public var content: String

    public init(key: NostrKey, createdAt: Int64, kind: UInt16, tags: [[String]] = [], content: String = "") {
        self.key = key
        self.createdAt = createdAt
        self.kind = kind
        self.tags = tags
        self.content = content
    }

    /// SHA-256 of ``canonicalForm``.
    public var id: EventID { EventID(sha256: canonicalForm) }

    /// The 32 bytes to sign: those of ``id``.
    ///
    /// Whoever signs elsewhere, such as several holders of one key together, takes these and gives the signature to
    /// ``attaching(_:)``.
    public var digest: [UInt8] { id.bytes }

    /// Signs with a secret, with fresh randomness (BIP 340, "Default Signing").
    ///
    /// - Parameter auxiliary: 32 bytes in place of the randomness, for test vectors.
    /// - Precondition: the event's key is that of the secret.
    public func signed(by secret: SecretKey, auxiliary: [UInt8]? = nil) -> NostrEvent {
        precondition(key == NostrKey(secret), "an event is signed by its own key")
        let id = id
        return NostrEvent(unsigned: self, id: id, signature: secret.signSchnorr(id.bytes, auxiliary: auxiliary))
    }

    /// Adds a signature of 64 bytes that was made elsewhere.
    ///
    /// - Throws: ``NostrEventError/badSignature`` when it is not the key's signature over ``digest``.
    public func attaching(_ signature: [UInt8]) throws(NostrEventError) -> NostrEvent {
        let event = NostrEvent(unsigned: self, id: id, signature: signature)
        try event.verifySignature()
        return event
    }
}
