// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import FoundationEssentials
internal import KeyShares
internal import Logging
internal import Metrics
internal import Migrations
internal import Postgres
internal import ServiceLifecycle
internal import ShareEnvelopes

extension KeyShareService {
    /// Looks after what passes until graceful shutdown.
    ///
    /// Each second: rows of format 1 are rewritten. Each half minute: keys of other processes are read, and what has passed
    /// is purged. Each five minutes: shares are scrubbed and counted. Each hour: the audit's end is signed.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var round = 0
            while true {
                await self.care(round: round)
                round += 1
                try await self.pause(.seconds(1))
            }
        }
        // What was done in the last minutes is vouched for by an orderly end.
        await attended { await attempt("the audit's end was not signed") { try await signAuditHead() } }
    }

    /// One second's work.
    func care(round: Int) async {
        await attended {
            await attempt("shares of format 1 were not rewritten") {
                _ = try await migrate(limit: configuration.migratedPerSecond)
            }
            guard round % 30 == 0 else { return }
            await readKeys()
            await attempt("what has passed was not purged") { try await purge() }
            await attempt("a rotation was not gone on with") { try await resumeRotation() }
            await attempt("metrics were not recorded") { try await recordMetrics() }
            guard round % 300 == 0 else { return }
            // These count rows, which takes its time in a large database.
            await attempt("shares were not scrubbed") { _ = try await scrub(seconds: 300) }
            await attempt("shares were not counted") { try await countShares() }
            guard round % 3600 == 0 else { return }
            await attempt("the node's keys were not rewritten") { try await resealKeypairs() }
            await attempt("the audit's end was not signed") { try await signAuditHead() }
        }
    }

    private nonisolated(nonsending) func attempt(_ failure: String, _ body: () async throws -> Void) async {
        do { try await body() } catch {
            // What an end of the process cuts off is done at the next start.
            guard !Task.isCancelled else { return }
            logger.error("\(failure)", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Format 1

    /// Rewrites shares of format 1.
    ///
    /// - Returns: how many were looked at.
    func migrate(limit: Int) async throws -> Int {
        guard let keys = holder.keys, sealer.writes == .v2, sealer.former != nil,
            let mark = migrationMark.last(at: now())
        else { return 0 }
        let rows = try await client.query(CareSQL.former, [.text(mark), .int8(Int64(limit))])
        guard let last = rows.last else {
            migrationMark.end(at: now())
            return 0
        }
        for row in rows {
            try Task.checkCancellation()
            guard let share = try? ShareRow(row, owners: 9) else {
                tellDamage(try row.text(2), "the wallet's row is malformed")
                continue
            }
            do throws(EnvelopeError) {
                let opened = try await sealer.open(share, with: keys.ring)
                await upgrade(share, opened, keys)
            } catch {
                tellDamage(share.id, "\(error)")
            }
        }
        migrationMark.advance(to: try last.text(2))
        return rows.count
    }

    // MARK: What passes

    /// Deletes what nobody needs any more.
    func purge() async throws {
        let time = PostgresValue.timestamptz(Date(unixMilliseconds: now()))
        for statement in CareSQL.purges { try await client.execute(statement, [time]) }
        try await client.execute(CareSQL.oldLimits, [.int8(now() - 2 * 3_600_000)])
    }

    // MARK: Scrub

    /// Opens the shares that were not looked at for the longest time, and compares them with what proves them whole.
    ///
    /// - Parameter seconds: the part of a day's work to do.
    /// - Returns: how many were looked at.
    func scrub(seconds: Double) async throws -> Int {
        guard holder.keys != nil else { return 0 }
        let total = try await client.query(CareSQL.total)[0].int8(0)
        let due = scrubDebt.take(Double(total) * configuration.scrubbedPerDay * seconds / 86_400)
        return due > 0 ? try await scrub(count: due) : 0
    }

    func scrub(count: Int) async throws -> Int {
        guard let keys = holder.keys else { return 0 }
        let rows = try await client.query(CareSQL.scrubbed, [.int8(Int64(min(count, 1000)))])
        for row in rows {
            try Task.checkCancellation()
            guard let share = try? ShareRow(row, owners: 9) else {
                tellDamage(try row.text(2), "the wallet's row is malformed")
                continue
            }
            if share.format == 1, sealer.former == nil { continue }
            var fault: String?
            do throws(EnvelopeError) {
                let opened = try await sealer.open(share, with: keys.ring)
                if let proof = share.verifyingShare, proof != opened.verifyingShare { fault = "another share" }
                if let commitments = share.commitments, fault == nil {
                    do throws(KeyShareError) { try commitments.check(opened) } catch { fault = "\(error)" }
                }
            } catch .unknownEpoch {
                // An epoch that began after the keys were read.
            } catch { fault = "\(error)" }
            if let fault { tellDamage(share.id, fault) }
        }
        return rows.count
    }

    // MARK: Metrics

    private func countShares() async throws {
        for row in try await client.query(CareSQL.shares) {
            let format = try row.int2(1) == 1 ? "v1" : "v2"
            Gauge(label: "ks_shares", dimensions: [("curve", try row.text(0)), ("format", format)])
                .record(try row.int8(2))
        }
    }

    private func recordMetrics() async throws {
        for row in try await client.query(CareSQL.sessions) {
            Gauge(label: "ks_sessions", dimensions: [("state", try row.text(0).lowercased())]).record(try row.int8(1))
        }
        Gauge(label: "ks_kek_epoch").record(Int64(holder.keys?.ring.current ?? 0))
        Gauge(label: "ks_sealed").record(isSealed ? 1 : 0)
        let entries = try await client.query(CareSQL.entries)[0].int8(0)
        Gauge(label: "ks_audit_entries_total").record(entries)
    }
}
