// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CommitReveal
internal import FoundationEssentials
public import KeyShareProtocol
internal import Logging
internal import Postgres
internal import ShareEnvelopes

extension KeyShareService {
    /// Keys that are held: the current one and those that may still verify.
    private static let heldKeypairs: Int64 = 4

    /// One row of `2_server_keypairs`.
    private struct KeypairRow {
        let id: UUID
        let sealed: String
        let publicKey: NodePublicKey

        init(_ row: Row) throws(PostgresError) {
            guard let id = UUID(uuidString: try row.text(0)) else {
                throw PostgresError(.malformed, "a keypair's id is no UUID")
            }
            self.id = id
            sealed = try row.text(3)
            publicKey = NodePublicKey(
                version: try row.int4(1),
                publicKey: try row.bytea(2),
                isActive: try row.bool(4),
                createdAt: try row.date(5),
                rotatedAt: try row.optionalDate(6),
                signature: try row.optionalBytea(7)
            )
        }
    }

    private func keypairRows(limit: Int64) async throws(KeyShareNodeError) -> [KeypairRow] {
        try await asking { () throws(PostgresError) in
            try await client.query(StoreSQL.keypairs, [.int8(limit)]).map { row throws(PostgresError) in
                try KeypairRow(row)
            }
        }
    }

    /// The node's keys, the newest first.
    func nodes(_ ring: EnvelopeKeyRing) async throws(KeyShareNodeError) -> [HeldNodeKey] {
        var held: [HeldNodeKey] = []
        for row in try await keypairRows(limit: Self.heldKeypairs) {
            do throws(EnvelopeError) {
                let key = try KeypairText.open(
                    row.sealed,
                    id: row.id,
                    publicKey: row.publicKey.publicKey,
                    ring: ring,
                    former: secrets.former
                )
                held.append(
                    HeldNodeKey(
                        version: row.publicKey.version,
                        key: key,
                        rotatedAt: row.publicKey.isActive ? nil : row.publicKey.rotatedAt?.unixMilliseconds ?? 0
                    )
                )
            } catch {
                // Keys of before do no more than verify for ten minutes.
                guard row.publicKey.isActive else { continue }
                throw KeyShareNodeError(.secret, "the node's own key cannot be opened: \(error)")
            }
        }
        return held
    }

    /// Reads the node's keys anew.
    func readKeypairs() async throws(KeyShareNodeError) {
        guard let keys = holder.keys else { return }
        let nodes = try await nodes(keys.ring)
        holder.update { $0.nodes = nodes }
    }

    func addFirstKeypair(_ ring: EnvelopeKeyRing) async throws(KeyShareNodeError) {
        _ = try await add(NodeKey(), after: nil, signature: nil, ring)
    }

    /// Adds a key, unless another process has added one meanwhile.
    private func add(
        _ key: NodeKey,
        after version: Int32?,
        signature: [UInt8]?,
        _ ring: EnvelopeKeyRing
    ) async throws(KeyShareNodeError) -> Bool {
        let id = UUID()
        let text: String
        do throws(EnvelopeError) {
            text = try KeypairText.seal(
                key,
                id: id,
                ring: ring,
                former: secrets.former,
                writes: configuration.writeFormat
            )
        } catch { throw KeyShareNodeError(.secret, "the node's key cannot be sealed: \(error)") }
        return try await asking { () throws(PostgresError) in
            try await client.query(
                StoreSQL.addKeypair,
                [
                    .text(id.uuidString), .bytea(key.publicKey), .text(text),
                    signature.map { .bytea($0) } ?? .null, version.map { .int4($0) } ?? .null,
                    .timestamptz(Date(unixMilliseconds: now())),
                ]
            ).first?.bool(0) ?? false
        }
    }

    /// Makes the node a new key, signed by the one before, which verifies for ten minutes more.
    ///
    /// - Throws: `.sealed`, `.unavailable`.
    public func rotateKeypair() async throws(KeyShareNodeError) -> NodePublicKey {
        guard door.enter() else { throw KeyShareNodeError(.refused, "the node is being restored: rotate afterwards") }
        defer { door.leave() }
        for _ in 0..<3 {
            await readKeys()
            guard let keys = holder.keys, let current = keys.nodes.first else {
                throw KeyShareNodeError(.sealed, "the node is sealed: unseal it first")
            }
            let next = NodeKey()
            let text = NodePublicKey.signedText(previous: current.key.hex, next: next.hex)
            let signature = current.key.signature(of: text)
            guard try await add(next, after: current.version, signature: signature, keys.ring) else { continue }
            try await readKeypairs()
            await audit(.keypairRotate, subject: "key:\(next.hex)", outcome: "ok")
            if let row = try await keypairRows(limit: 1).first { return row.publicKey }
        }
        throw KeyShareNodeError(.refused, "another process rotates the key at the same time")
    }

    /// All keys that the node had, at most 1000, the newest first: each signed by the one before.
    public func publicKeys() async throws(KeyShareFailure) -> [NodePublicKey] {
        do throws(KeyShareNodeError) { return try await keypairRows(limit: 1000).map(\.publicKey) } catch {
            throw store.unexpected(error)
        }
    }

    /// The public keys whose private ones open with the node's secrets: a row alone shows nothing, since whoever writes the
    /// database can add one.
    ///
    /// - Returns: `nil` while the node is sealed and cannot tell.
    func provenPublicKeys() async throws(KeyShareNodeError) -> Set<[UInt8]>? {
        guard let keys = holder.keys else { return nil }
        var proven: Set<[UInt8]> = []
        for row in try await keypairRows(limit: 1000) {
            let opened = try? KeypairText.open(
                row.sealed,
                id: row.id,
                publicKey: row.publicKey.publicKey,
                ring: keys.ring,
                former: secrets.former
            )
            if opened != nil { proven.insert(row.publicKey.publicKey) }
        }
        return proven
    }

    /// Signs bytes with the node's key, 64 bytes; `nil` while it is sealed.
    public func signature(of bytes: [UInt8]) -> [UInt8]? {
        holder.keys?.nodes.first?.key.signature(of: bytes)
    }

    /// Seals the node's keys in the current epoch, and those of format 1 in format 2.
    func resealKeypairs() async throws(KeyShareNodeError) {
        guard let keys = holder.keys else { return }
        for row in try await keypairRows(limit: 1000) {
            if let envelope = KeypairText.envelope(row.sealed) {
                if envelope.epoch == keys.ring.current { continue }
            } else if configuration.writeFormat == .v1 {
                continue
            }
            let text: String
            do throws(EnvelopeError) {
                let key = try KeypairText.open(
                    row.sealed,
                    id: row.id,
                    publicKey: row.publicKey.publicKey,
                    ring: keys.ring,
                    former: secrets.former
                )
                text = try KeypairText.seal(key, id: row.id, ring: keys.ring, former: nil, writes: .v2)
            } catch {
                logger.warning("a former key of the node does not open", metadata: ["error": "\(error)"])
                continue
            }
            try await asking { () throws(PostgresError) in
                _ = try await client.execute(
                    StoreSQL.resealKeypair,
                    [.text(row.id.uuidString), .text(row.sealed), .text(text)]
                )
            }
        }
    }
}
