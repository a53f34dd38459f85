// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import ByteCoding
internal import CommitReveal
internal import FoundationEssentials
internal import Logging
internal import Postgres

extension KeyShareService {
    /// Adds an entry to the audit and waits until it is on disk; a failure is logged.
    ///
    /// - Parameter subject: whom it is about, `nil` for the node itself. What administrators are known by, such as their
    ///   address, is written as a pseudonym; names of other persons go through ``pseudonym(of:)`` first.
    public func audit(_ action: AuditAction, subject: String?, outcome: String) async {
        var subject = subject ?? "system"
        if subject != "system", action == .adminLogin || action == .adminAction {
            subject = pseudonym(of: "peer:\(subject)")
        }
        let note = AuditNote(action, subject: Self.clean(subject), outcome: outcome)
        // What failed is logged by the trail.
        try? await trail.write([note])
    }

    /// A person's or address's pseudonym, 64 digits; `sealed` while the node is sealed.
    public func pseudonym(of name: String) -> String { holder.keys?.pseudonyms.pseudonym(of: name) ?? "sealed" }

    /// A subject in the characters that the audit takes.
    private static func clean(_ text: String) -> String {
        let text = String(
            text.prefix(128).map { $0.isASCII && ($0.isLetter || $0.isNumber || "._:-".contains($0)) ? $0 : "-" }
        )
        return text.isEmpty ? "system" : text
    }

    /// Entries of the audit after a number, at most 1000, in order.
    public func auditEntries(after seq: Int64, limit: Int) async throws(KeyShareNodeError) -> [AuditRecord] {
        let limit = Int64(min(max(limit, 1), 1000))
        return try await asking { () throws(PostgresError) in
            try await client.query(AuditSQL.page, [.int8(seq), .int8(limit)]).map { row throws(PostgresError) in
                AuditRecord(
                    entry: AuditChainEntry(
                        seq: try row.int8(0),
                        at: try row.text(1),
                        action: try row.text(2),
                        subject: try row.text(3),
                        outcome: try row.text(4),
                        prev: Hex.encode(try row.bytea(5))
                    ),
                    hash: try row.bytea(6)
                )
            }
        }
    }

    /// Follows the audit's chain from its first entry to its end, and compares it with every end that was signed.
    public func auditVerification() async throws(KeyShareNodeError) -> AuditVerification {
        var report = AuditVerification()
        var heads = try await signedHeads()
        let keys = try await signers(&report)
        for head in heads where !keys.contains(head.publicKey) {
            report.faults.append("the end at entry \(head.head.seq) is signed by a key that is not the node's")
        }
        var head = AuditChainHead.empty
        while true {
            let page = try await auditEntries(after: head.seq, limit: 1000)
            if page.isEmpty { break }
            for record in page {
                do throws(AuditChainFault) {
                    head = try head.following(record.entry)
                    guard head.hash == record.hash else { throw .broken(after: head.seq - 1) }
                } catch {
                    report.faults.append("\(error)")
                    return report
                }
                report.entries += 1
                while let signed = heads.first, signed.head.seq <= head.seq {
                    heads.removeFirst()
                    report.check(signed, against: head)
                }
            }
        }
        if let last = heads.last { report.faults.append("\(AuditChainFault.short(last.head.seq))") }
        return report
    }

    /// The node's keys, after a look at how each names the next.
    private func signers(_ report: inout AuditVerification) async throws(KeyShareNodeError) -> Set<[UInt8]> {
        let keys: [NodePublicKey]
        do { keys = try await publicKeys() } catch {
            throw KeyShareNodeError(.unavailable, "the key share database does not answer")
        }
        for (next, previous) in zip(keys, keys.dropFirst()) where !next.isSigned(by: previous) {
            // Keys of an Oko node are not signed.
            guard next.signature != nil else { continue }
            report.faults.append("key \(next.version) of the node is not signed by the key before it")
        }
        let known = Set(keys.map(\.publicKey))
        return known.intersection(try await provenPublicKeys() ?? known)
    }

    private func signedHeads() async throws(KeyShareNodeError) -> [SignedAuditHead] {
        try await asking { () throws(PostgresError) in
            try await client.query(AuditSQL.heads).map { row throws(PostgresError) in try SignedAuditHead(row) }
        }
    }

    /// The newest end that was signed.
    func lastSignedHead() async throws(PostgresError) -> SignedAuditHead? {
        try await client.query(AuditSQL.lastHead).first.map { row throws(PostgresError) in try SignedAuditHead(row) }
    }

    /// Signs the end of the chain as it is now.
    func signAuditHead() async throws {
        guard let node = holder.keys?.nodes.first?.key,
            let row = try await client.query(AuditSQL.end).first
        else { return }
        let head = AuditChainHead(seq: try row.int8(0), hash: try row.bytea(1))
        try await client.execute(
            AuditSQL.sign,
            [
                .int8(head.seq), .bytea(head.hash), .bytea(node.publicKey),
                .bytea(node.signature(of: head.signedDigest)), .timestamptz(Date(unixMilliseconds: now())),
            ]
        )
    }
}

extension AuditVerification {
    fileprivate mutating func check(_ signed: SignedAuditHead, against head: AuditChainHead) {
        guard signed.head.seq == head.seq, signed.head.hash == head.hash else {
            faults.append("the chain is not the one whose end was signed at entry \(signed.head.seq)")
            return
        }
        guard signed.head.isSigned(signed.signature, by: signed.publicKey) else {
            faults.append("the signature of the end at entry \(signed.head.seq) is wrong")
            return
        }
        signedHeads += 1
    }
}

extension SignedAuditHead {
    fileprivate init(_ row: Row) throws(PostgresError) {
        let hash = try row.bytea(1)
        guard hash.count == 32 else { throw PostgresError(.malformed, "a hash of the audit has 32 bytes") }
        head = AuditChainHead(seq: try row.int8(0), hash: hash)
        publicKey = try row.bytea(2)
        signature = try row.bytea(3)
        signedAt = try row.date(4)
    }
}

extension NodePublicKey {
    /// Whether a key of before has named this one its successor.
    public func isSigned(by previous: NodePublicKey) -> Bool {
        guard let signature else { return false }
        let text = Self.signedText(previous: Hex.encode(previous.publicKey), next: Hex.encode(publicKey))
        return isValidEd25519(signature, of: Array(text.utf8), by: previous.publicKey)
    }
}

enum AuditSQL {
    static let page = Statement(
        "keyshare.audit_page",
        #"""
        SELECT seq, at, action, subject, outcome, prev, hash FROM public."2_audit" WHERE seq > $1 ORDER BY seq LIMIT $2
        """#
    )
    static let end = Statement(
        "keyshare.audit_end",
        #"SELECT seq, hash FROM public."2_audit" ORDER BY seq DESC LIMIT 1"#
    )
    private static let columns = #"seq, hash, public_key, signature, signed_at FROM public."2_audit_heads""#
    static let heads = Statement("keyshare.audit_heads", "SELECT \(columns) ORDER BY seq")
    static let lastHead = Statement("keyshare.audit_head", "SELECT \(columns) ORDER BY seq DESC LIMIT 1")
    static let sign = Statement(
        "keyshare.audit_sign",
        #"""
        INSERT INTO public."2_audit_heads" (seq, hash, public_key, signature, signed_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (seq) DO NOTHING
        """#
    )
}
