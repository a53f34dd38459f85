// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Pomade
public import Postgres
internal import SealedRecords

/// Follows every chain of the audit from its first link to its end.
public struct AuditVerification: Sendable {
    /// What was found.
    public struct Report: Sendable, Hashable {
        public var chains = 0
        public var entries: Int64 = 0
        /// One sentence for each chain that does not hold.
        public var faults: [String] = []
    }

    private let client: PostgresClient
    private let keys: SignerKeys

    public init(client: PostgresClient, keys: SignerKeys) {
        self.client = client
        self.keys = keys
    }

    /// Reads the whole audit; it need not stand still meanwhile.
    public func run() async throws -> Report {
        var report = Report()
        var last: [UInt8] = []
        while true {
            let heads = try await client.query(AuditSQL.heads, [.bytea(last)])
            guard let final = heads.last else { break }
            for row in heads { try await verify(try row.bytea(0), try row.bytea(1), &report) }
            last = try final.bytea(0)
        }
        let stored = try await client.query(AuditSQL.chains)[0].int8(0)
        if stored > report.chains {
            report.faults.append("\(stored - Int64(report.chains)) chains have no end: their row was deleted")
        }
        return report
    }

    private func verify(_ id: [UInt8], _ sealed: [UInt8], _ report: inout Report) async throws {
        report.chains += 1
        let name = Hex.encode(id.prefix(8))
        let head: AuditHead
        do {
            let plain = try keys.ring.open(sealed, table: StoreTransaction.auditHeads, row: id)
            head = try RecordCoding.record(AuditHead.self, plain)
        } catch {
            report.faults.append("chain \(name): its end cannot be opened: \(error)")
            return
        }
        guard let chain = Hex.decode(head.chain) else { return }
        var hash = Hex32(certain: [UInt8](repeating: 0, count: 32))
        var seq: Int64 = 0
        while seq < head.seq {
            let rows = try await client.query(AuditSQL.page, [.bytea(chain), .int8(seq), .int8(head.seq)])
            if rows.isEmpty { break }
            for row in rows {
                let number = try row.int8(0)
                guard number == seq + 1,
                    let entry = entry(chain, number, try row.bytea(1)), entry.seq == number, entry.prev == hash
                else {
                    report.faults.append("chain \(name): broken after entry \(seq)")
                    return
                }
                (seq, hash) = (number, entry.hash)
                report.entries += 1
            }
        }
        if seq != head.seq || hash != head.hash {
            report.faults.append("chain \(name): ends after \(seq) entries of \(head.seq)")
        }
    }

    private func entry(_ chain: [UInt8], _ seq: Int64, _ sealed: [UInt8]) -> AuditEntry? {
        let row = StoreTransaction.auditRow(chain, seq)
        guard let plain = try? keys.ring.open(sealed, table: StoreTransaction.audit, row: row) else { return nil }
        return try? RecordCoding.record(AuditEntry.self, plain)
    }
}
