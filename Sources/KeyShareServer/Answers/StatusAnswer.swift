// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import ByteCoding
internal import FoundationEssentials
internal import KeyShareNode
internal import KeyShareProtocol

/// The body of `/status`: Oko's members first and in its order, then ours.
struct StatusAnswer {
    var store: KeyShareStatus
    var backup: BackupStatus
    var launchTime: String
    var commit: String?
    var version: String
    /// UTC with milliseconds.
    var time: String

    private struct Drill: Encodable {
        let at: String
        let ok: Bool
    }

    private struct Backup: Encodable {
        let last_ok: String?
        let last_drill: Drill?
        let offsite: String

        enum CodingKeys: CodingKey { case last_ok, last_drill, offsite }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(last_ok, forKey: .last_ok)
            try container.encode(last_drill, forKey: .last_drill)
            try container.encode(offsite, forKey: .offsite)
        }
    }

    private struct Head: Encodable {
        let seq: Int64
        let hash, public_key, signature, signed_at: String
    }

    /// Whether the node can serve its share routes.
    var isReady: Bool { store.isDatabaseConnected && store.isServing && !store.isSealed }

    /// The members in their order; an encoder would choose another one.
    var bytes: [UInt8] {
        var body = OrderedObject()
        body.add("is_db_connected", store.isDatabaseConnected)
        body.add("is_db_backup_checked", backup.isChecked)
        body.add("latest_backup_time", backup.lastOK)
        body.add("ks_node_public_key", store.publicKey)
        body.add("launch_time", launchTime)
        body.add("git_hash", commit)
        body.add("version", version)
        body.add("sealed", store.isSealed)
        body.add("schema_version", store.schemaVersion)
        body.add("kek_epoch", store.keyEpoch)
        body.add("rows_v1_left", store.formerRows)
        let drill = backup.lastDrill.map { Drill(at: $0.at, ok: $0.isOK) }
        body.add("backup", Backup(last_ok: backup.lastOK, last_drill: drill, offsite: backup.offsite))
        body.add("audit_head", store.auditHead.map(Self.head))
        body.add("time", time)
        body.add("pg_dump_version", backup.dumpProgramVersion)
        return body.bytes
    }

    private static func head(_ signed: SignedAuditHead) -> Head {
        Head(
            seq: signed.head.seq,
            hash: Hex.encode(signed.head.hash),
            public_key: Hex.encode(signed.publicKey),
            signature: Hex.encode(signed.signature),
            signed_at: signed.signedAt.formatted(.iso8601)
        )
    }
}

/// A JSON object whose members keep their order.
struct OrderedObject {
    private var text: [UInt8] = []

    /// Adds a member; `nil` is null.
    mutating func add(_ name: String, _ value: (some Encodable)?) {
        if !text.isEmpty { text.append(UInt8(ascii: ",")) }
        text += Self.encode(name) + [UInt8(ascii: ":")] + (value.map { Self.encode($0) } ?? Array("null".utf8))
    }

    var bytes: [UInt8] { [UInt8(ascii: "{")] + text + [UInt8(ascii: "}")] }

    private static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { preconditionFailure("values of a status are JSON") }
        return Array(data)
    }
}
