// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres
internal import TrustScore

/// Outcomes for one statement, by column.
///
/// A row of `posteriors` can be changed once per statement, so one batch holds outcomes of one six hours per belief.
struct OutcomeBatch {
    private struct Key: Hashable {
        let target: Outcome.Target
        let source: EvidenceSource
        let stage: Stage?
    }

    private var buckets: [Key: Int64] = [:]
    private var kinds: [Int16] = []
    private var ids: [[UInt8]] = []
    private var sources: [Int16] = []
    private var stages: [Int16] = []
    private var successes: [Bool] = []
    private var weights: [Double] = []
    private var labels: [String] = []
    private var times: [Int64] = []

    /// Distributes outcomes over batches, in order of time for each belief.
    static func batches(of outcomes: [Outcome], now: Int64) -> [OutcomeBatch] {
        var batches: [OutcomeBatch] = []
        /// The batch that a belief's later outcomes may go to at the earliest.
        var earliest: [Key: Int] = [:]
        for outcome in outcomes where outcome.weight > 0 && outcome.weight.isFinite {
            let time = min(now, max(now - EvidenceStore.oldestAge, outcome.observedAt))
            let key = Key(target: outcome.target, source: outcome.source, stage: outcome.stage)
            var index = earliest[key] ?? 0
            while index < batches.count, !batches[index].hasRoom(for: key, at: time) { index += 1 }
            if index == batches.count { batches.append(OutcomeBatch()) }
            batches[index].append(outcome, key, at: time)
            earliest[key] = index
        }
        return batches
    }

    private func hasRoom(for key: Key, at time: Int64) -> Bool {
        guard times.count < EvidenceStore.batchLimit else { return false }
        guard let bucket = buckets[key] else { return true }
        return bucket == DesignEffect.bucket(of: time)
    }

    private mutating func append(_ outcome: Outcome, _ key: Key, at time: Int64) {
        buckets[key] = DesignEffect.bucket(of: time)
        kinds.append(outcome.target.kind)
        ids.append(outcome.target.id)
        sources.append(EvidenceCode.source(outcome.source))
        stages.append(EvidenceCode.stage(outcome.stage))
        successes.append(outcome.success)
        weights.append(outcome.weight)
        labels.append(outcome.label)
        times.append(time)
    }

    /// The parameters of ``EvidenceStatements/record``.
    var values: [PostgresValue] {
        [
            .int2Array(kinds), .byteaArray(ids), .int2Array(sources), .int2Array(stages), .boolArray(successes),
            .float8Array(weights), .textArray(labels), .int8Array(times), .float8(EvidenceSource.probe.timeConstant),
            .float8(EvidenceSource.paid.timeConstant), .float8(DesignEffect.correlation),
            .int8(DesignEffect.bucketSeconds),
        ]
    }
}
