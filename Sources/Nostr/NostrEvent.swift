// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import LightningPrimitives
internal import Secp256k1

/// A signed event (NIP-01).
///
/// Reading one checks its form; ``verify()`` checks that its key signed it.
public struct NostrEvent: Sendable, Hashable {
    public let unsigned: UnsignedEvent
    /// As the sender claims it, until ``verify()``.
    public let id: EventID
    /// 64 bytes.
    public let signature: [UInt8]

    init(unsigned: UnsignedEvent, id: EventID, signature: [UInt8]) {
        self.unsigned = unsigned
        self.id = id
        self.signature = signature
    }

    public var key: NostrKey { unsigned.key }
    /// Unix seconds.
    public var createdAt: Int64 { unsigned.createdAt }
    public var kind: UInt16 { unsigned.kind }
    public var tags: [[String]] { unsigned.tags }
    public var content: String { unsigned.content }
    /// 128 lower-case digits.
    public var signatureHex: String { Hex.encode(signature) }

    /// Checks the id, then the signature.
    public func verify() throws(NostrEventError) {
        try verifyID()
        try verifySignature()
    }

    func verifyID() throws(NostrEventError) {
        guard unsigned.id == id else { throw .idMismatch }
    }

    func verifySignature() throws(NostrEventError) {
        guard let verifier = XOnlyPublicKey(key.bytes), verifier.verifies(signature, over: id.bytes) else {
            throw .badSignature
        }
    }

    /// The first tag of a name.
    public func tag(_ name: String) -> [String]? { tags.first { $0.first == name } }
}

extension NostrEvent {
    /// Reads an event from JSON; members that NIP-01 does not name are left out.
    ///
    /// - Throws: ``NostrEventError/malformed(_:)``.
    public init(json: [UInt8], limits: EventLimits = .relay) throws(NostrEventError) {
        guard json.count <= limits.bytes else { throw .malformed("more than \(limits.bytes) bytes") }
        guard JSONNesting.isShallow(json, limit: EventLimits.depth) else { throw .malformed("nested too deeply") }
        do {
            self = try JSONDecoder().decode(NostrEvent.self, from: Data(json))
        } catch let error as NostrEventError {
            throw error
        } catch let error as DecodingError {
            throw .malformed(error.fault)
        } catch {
            throw .malformed("not JSON")
        }
        try check(limits)
    }

    /// Checks the counts of an event that was decoded as part of a larger text.
    public func check(_ limits: EventLimits) throws(NostrEventError) {
        guard tags.count <= limits.tags else { throw .malformed("more than \(limits.tags) tags") }
        guard tags.allSatisfy({ $0.count <= limits.stringsPerTag }) else {
            throw .malformed("a tag of more than \(limits.stringsPerTag) strings")
        }
    }
}

extension NostrEvent: Codable {
    private enum Member: String, CodingKey {
        case id, pubkey, kind, tags, content, sig
        case createdAt = "created_at"
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        guard let id = EventID(lowercaseHex: try members.decode(String.self, forKey: .id)) else {
            throw NostrEventError.malformed("\"id\" is not 64 lower-case hexadecimal digits")
        }
        guard let key = NostrKey(lowercaseHex: try members.decode(String.self, forKey: .pubkey)) else {
            throw NostrEventError.malformed("\"pubkey\" is not 64 lower-case hexadecimal digits")
        }
        let text = try members.decode(String.self, forKey: .sig)
        guard text.isLowercaseHex, let signature = Hex.decode(text), signature.count == 64 else {
            throw NostrEventError.malformed("\"sig\" is not 128 lower-case hexadecimal digits")
        }
        let unsigned = UnsignedEvent(
            key: key,
            createdAt: try members.integer(.createdAt),
            kind: try members.integer(.kind),
            tags: try members.decode([[String]].self, forKey: .tags),
            content: try members.decode(String.self, forKey: .content)
        )
        self.init(unsigned: unsigned, id: id, signature: signature)
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Member.self)
        try members.encode(id.hex, forKey: .id)
        try members.encode(key.hex, forKey: .pubkey)
        try members.encode(createdAt, forKey: .createdAt)
        try members.encode(kind, forKey: .kind)
        try members.encode(tags, forKey: .tags)
        try members.encode(content, forKey: .content)
        try members.encode(signatureHex, forKey: .sig)
    }
}

extension KeyedDecodingContainer {
    /// A whole number, with an error that names its member.
    fileprivate func integer<Number: FixedWidthInteger & Decodable>(_ key: Key) throws -> Number {
        do {
            return try decode(Number.self, forKey: key)
        } catch let error as DecodingError {
            throw error
        } catch {
            // Foundation has an error of its own for a number that does not fit.
            throw NostrEventError.malformed("\"\(key.stringValue)\" is out of range")
        }
    }
}

extension DecodingError {
    /// What is wrong, without the text itself.
    fileprivate var fault: String {
        switch self {
        case .keyNotFound(let key, _): "no \"\(key.stringValue)\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            context.codingPath.first.map { "\"\($0.stringValue)\" has another type" } ?? "not a JSON object"
        case .dataCorrupted: "not JSON"
        @unknown default: "not JSON"
        }
    }
}
