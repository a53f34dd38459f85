// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import ByteCoding
internal import Crypto
internal import HTTPTypes
internal import Hummingbird
internal import IPAddresses
internal import KeyShareNode
internal import KeyShareProtocol
internal import RequestLimits

extension KeyShareSite {
    /// Does what the administrator asks for, once it is certain who asks.
    func administer(
        _ action: AdministratorAction,
        _ visit: Visit,
        isOko: Bool,
        _ standing: inout RequestWindow.Standing?
    ) async throws(KeyShareFailure) -> Response {
        try count(visit, administratorLimits[action], &standing)
        try Self.checkMediaType(visit.request, takesForms: isOko)
        let given = try await body(of: visit.request)
        let body = given.isEmpty ? Array("{}".utf8) : given
        let password = try KeyShareProtocol.RequestBody.decode(AdministratorBody.Password.self, body).password
        do throws(KeyShareFailure) {
            try await access.admit(visit.request.headers, bodyPassword: password, from: visit.client)
        } catch {
            await service.audit(.adminLogin, subject: visit.client?.description, outcome: "refused")
            throw error
        }
        do throws(KeyShareFailure) {
            let answer = try await perform(action, body)
            await service.audit(.adminAction, subject: visit.client?.description, outcome: "\(action.rawValue) ok")
            return SiteAnswer.success(answer)
        } catch {
            let outcome = "\(action.rawValue) \(error.code.rawValue)"
            await service.audit(.adminAction, subject: visit.client?.description, outcome: outcome)
            throw error
        }
    }

    private func count(
        _ visit: Visit,
        _ limit: RequestWindow?,
        _ standing: inout RequestWindow.Standing?
    ) throws(KeyShareFailure) {
        guard let limit else { return }
        let now = limit.take(visit.client, now: MonotonicSeconds.now())
        standing = now
        guard now.isAllowed else { throw Self.tooMany(limit.window) }
    }

    private func perform(_ action: AdministratorAction, _ body: [UInt8]) async throws(KeyShareFailure) -> [UInt8] {
        let (service, backups) = (service, backups)
        switch action {
        case .backup:
            return KeyShareAnswer.success(try await within(action.deadline) { try await backups.backup() })
        case .restore:
            let path = try KeyShareProtocol.RequestBody.decode(AdministratorBody.Restore.self, body).checked()
            let name = try await within(action.deadline) { try await backups.restore(path) }
            return KeyShareAnswer.success(["dump_path": name])
        case .history:
            let days = try KeyShareProtocol.RequestBody.decode(AdministratorBody.History.self, body).checked()
            return KeyShareAnswer.success(try await within(action.deadline) { try await backups.history(days: days) })
        case .rotateKeypair:
            let key = try await within(action.deadline) {
                try await Self.translated { () throws(KeyShareNodeError) in try await service.rotateKeypair() }
            }
            return KeyShareAnswer.success(NodeKeysAnswer.Key(key))
        case .rotateKeyEncryptionKey:
            let progress = try await within(action.deadline) {
                try await Self.translated { () throws(KeyShareNodeError) in
                    try await service.rotateKeyEncryptionKey()
                }
            }
            return KeyShareAnswer.success(RotationAnswer(progress))
        case .unseal:
            let piece = try KeyShareProtocol.RequestBody.decode(AdministratorBody.Unseal.self, body).checked()
            let progress = try await within(action.deadline) { try await service.unseal(piece) }
            return KeyShareAnswer.success(UnsealAnswer(progress))
        case .seal:
            try await within(action.deadline) { try await service.seal() }
            return KeyShareAnswer.success(["sealed": true])
        case .audit: return try await audit(body)
        }
    }

    private func audit(_ body: [UInt8]) async throws(KeyShareFailure) -> [UInt8] {
        let asked = try KeyShareProtocol.RequestBody.decode(AdministratorBody.Audit.self, body)
        let (after, limit) = try asked.checked()
        let isVerified = asked.verify ?? false
        let service = service
        return try await within(AdministratorAction.audit.deadline) {
            try await Self.translated { () throws(KeyShareNodeError) in
                let entries = limit == 0 ? [] : try await service.auditEntries(after: after, limit: limit)
                let verification = isVerified ? try await service.auditVerification() : nil
                return KeyShareAnswer.success(AuditAnswer(entries, verification))
            }
        }
    }

    /// Says a node's errors with the protocol's codes.
    private static func translated<Value: Sendable>(
        _ work: () async throws(KeyShareNodeError) -> Value
    ) async throws(KeyShareFailure) -> Value {
        do throws(KeyShareNodeError) { return try await work() } catch {
            let code: KeyShareFailureCode =
                switch error.code {
                case .sealed: .nodeSealed
                case .refused: .invalidRequest
                case .secret, .schema, .unavailable, .damaged: .unknownError
                }
            throw KeyShareFailure(code, error.description)
        }
    }

    // MARK: Backups of other nodes

    /// Takes a backup of another node in, piece by piece.
    func takeOffsite(
        _ visit: Visit,
        _ standing: inout RequestWindow.Standing?
    ) async throws(KeyShareFailure) -> Response {
        try count(visit, offsiteLimit, &standing)
        guard let (node, name) = Endpoint.offsiteParts(visit.path) else {
            throw KeyShareFailure(.notFound, "There is no such route")
        }
        let given = Array(SHA256.hash(data: Array((Self.bearer(visit.request.headers) ?? "").utf8)))
        let wanted = configuration.offsitePeers[node].map { Array(SHA256.hash(data: Array($0.utf8))) }
        guard let wanted, constantTimeEqual(given, wanted) else {
            await service.audit(.adminLogin, subject: visit.client?.description, outcome: "offsite refused")
            throw KeyShareFailure(.unauthorized, "The bearer is not that of the node")
        }
        let (backups, pieces) = (backups, BodyPieces(body: visit.request.body))
        try await within(.seconds(3600)) { try await backups.acceptOffsite(node: node, name: name, body: pieces) }
        await service.audit(.backupCopy, subject: node, outcome: "accepted")
        return SiteAnswer.success(KeyShareAnswer.empty)
    }
}

private struct RotationAnswer: Encodable {
    let epoch: Int32
    let rewrapped, damaged: Int
    let complete: Bool

    init(_ progress: KeyRotationProgress) {
        epoch = progress.epoch
        rewrapped = progress.rewrapped
        damaged = progress.damaged
        complete = progress.isComplete
    }
}

private struct UnsealAnswer: Encodable {
    let given, needed: Int
    let sealed: Bool

    init(_ progress: UnsealProgress) {
        given = progress.given
        needed = progress.needed
        sealed = progress.isSealed
    }
}

private struct AuditAnswer: Encodable {
    struct Entry: Encodable {
        let seq: Int64
        let at, action, subject, outcome, prev, hash: String
    }

    struct Verification: Encodable {
        let entries: Int64
        let signed_heads: Int
        let holds: Bool
        let faults: [String]
    }

    let entries: [Entry]
    let verification: Verification?

    init(_ records: [AuditRecord], _ verification: AuditVerification?) {
        entries = records.map { record in
            let entry = record.entry
            return Entry(
                seq: entry.seq,
                at: entry.at,
                action: entry.action,
                subject: entry.subject,
                outcome: entry.outcome,
                prev: entry.prev,
                hash: Hex.encode(record.hash)
            )
        }
        self.verification = verification.map { verification in
            Verification(
                entries: verification.entries,
                signed_heads: verification.signedHeads,
                holds: verification.holds,
                faults: verification.faults
            )
        }
    }
}
