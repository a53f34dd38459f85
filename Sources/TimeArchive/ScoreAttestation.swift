// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
public import Nostr

/// Why an attestation does not vouch for a score.
public enum AttestationFailure: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed
    case signature
    case kind
    case root
    case signer(NostrKey)

    public var description: String {
        switch self {
        case .malformed: "the attestation is no Nostr event"
        case .signature: "the attestation's id or signature is wrong"
        case .kind: "the event is no attestation of scores"
        case .root: "the attestation is about other scores"
        case .signer(let key): "the attestation is signed by \(key), not by the given key"
        }
    }
}

/// The oracle's word for all scores of one stamp: a Nostr event (NIP-01, application data of NIP-78) that names the root of
/// the tree over their documents.
public enum ScoreAttestation {
    /// Application data, replaced by the next one (NIP-78).
    public static let kind: UInt16 = 30078
    /// The event's `d` tag.
    public static let name = "assay:score-stamp"

    /// The event to sign.
    ///
    /// - Parameters:
    ///   - root: of the tree over the documents, 32 bytes.
    ///   - time: Unix seconds.
    public static func event(root: [UInt8], scores: Int, key: NostrKey, time: Int64) -> UnsignedEvent {
        let root = NostrKey(root)?.hex ?? ""
        return UnsignedEvent(
            key: key,
            createdAt: time,
            kind: kind,
            tags: [["d", name], ["root", root], ["scores", "\(scores)"]]
        )
    }

    /// Checks an attestation.
    ///
    /// - Parameters:
    ///   - root: of the tree that the score is a leaf of.
    ///   - signer: the oracle's key from a trusted place; without it the answer only says whose signature it is.
    public static func check(
        _ json: [UInt8],
        root: [UInt8],
        signer: NostrKey?
    ) throws(AttestationFailure) -> NostrEvent {
        guard let event = try? NostrEvent(json: json) else { throw .malformed }
        do throws(NostrEventError) { try event.verify() } catch { throw .signature }
        guard event.kind == kind, event.tag("d") == ["d", name] else { throw .kind }
        guard let named = event.tag("root"), named.count == 2, NostrKey(lowercaseHex: named[1])?.bytes == root else {
            throw .root
        }
        if let signer, signer != event.key { throw .signer(event.key) }
        return event
    }
}
