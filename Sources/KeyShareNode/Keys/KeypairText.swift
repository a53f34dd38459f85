// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import CommitReveal
internal import FoundationEssentials
internal import KeyShares
internal import Postgres
internal import Secp256k1
internal import ShareEnvelopes

/// The private key of a node as a row of `2_server_keypairs` has it: base64 of an envelope, or Oko's text.
enum KeypairText {
    /// Seals a seed for its row.
    static func seal(
        _ key: NodeKey,
        id: UUID,
        ring: EnvelopeKeyRing,
        former: OkoSecret?,
        writes: KeyShareConfiguration.WriteFormat
    ) throws(EnvelopeError) -> String {
        var seed = key.seed
        defer { overwrite(&seed) }
        if writes == .v1, let former { return try OkoEnvelope(sealingHexadecimal: seed, with: former).text }
        let envelope: Result<ShareEnvelope, EnvelopeError> = seed.withUnsafeBytes { seed in
            Result { () throws(EnvelopeError) in
                try ShareEnvelope(sealing: seed, for: row(id, key.publicKey), with: ring)
            }
        }
        return Base64.encode(try envelope.get().bytes)
    }

    /// Opens a row's text.
    static func open(
        _ text: String,
        id: UUID,
        publicKey: [UInt8],
        ring: EnvelopeKeyRing,
        former: OkoSecret?
    ) throws(EnvelopeError) -> NodeKey {
        let key: NodeKey?
        if let envelope = envelope(text) {
            key = try envelope.withOpened(for: row(id, publicKey), with: ring) { plain in
                var seed = Array(plain)
                defer { overwrite(&seed) }
                return NodeKey(seed: seed)
            }
        } else {
            guard let former else { throw .emptySecret }
            var seed = try OkoEnvelope(text).openHexadecimal(with: former)
            defer { overwrite(&seed) }
            key = NodeKey(seed: seed)
        }
        guard let key, key.publicKey == publicKey else { throw .forged }
        return key
    }

    /// The envelope of format 2 in a text, if it is one.
    static func envelope(_ text: String) -> ShareEnvelope? {
        guard text.utf8.count <= OkoEnvelope.maximumCount, let bytes = Base64.decode(text),
            ShareEnvelope.isMarked(bytes)
        else { return nil }
        return try? ShareEnvelope(bytes)
    }

    /// What a keypair's envelope is bound to.
    private static func row(_ id: UUID, _ publicKey: [UInt8]) -> EnvelopeRow {
        EnvelopeRow(shareID: id, walletID: id, curve: .ed25519, publicKey: publicKey)
    }
}
