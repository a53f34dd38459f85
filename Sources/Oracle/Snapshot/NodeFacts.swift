// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// Ages and trends of a node as of a time.
struct NodeFacts {
    private let record: NodeRecord
    private let pass: PassRecord?
    private let now: Int64
    /// The time by the graph's clock, see `PassRecord.graphTime`.
    private let graphTime: Int64

    init(_ record: NodeRecord, _ pass: PassRecord?, now: Int64) {
        self.record = record
        self.pass = pass
        self.now = now
        graphTime = pass?.graphTime(now: now) ?? now
    }

    var ageDays: Double { Double(max(0, graphTime - record.firstSeen)) / 86_400 }

    /// Days since the last announcement; `nil` for a node that never announced itself.
    var gossipAgeDays: Double? {
        record.lastUpdate > 0 ? Double(max(0, graphTime - record.lastUpdate)) / 86_400 : nil
    }

    /// Whether the last pass, if less than a day old, found a way to pay 1000 sat.
    var isReachable: Bool? {
        guard let pass, now - pass.finishedAt < 86_400, let scores = record.scores else { return nil }
        return scores.reach["1000"] != nil
    }

    /// Change of the success probability within seven days; `nil` without outcomes now or then.
    var change7d: Double? {
        guard let before = record.observations.lastWeek, !record.observations.beliefs.isEmpty else { return nil }
        return EvidenceView.of(record, at: now).judgement.belief.mean - before
    }

    var capacityChange24h: Double? { change(since: record.history.capacity1dAgoSat) }
    var capacityChange7d: Double? { change(since: record.history.capacity7dAgoSat) }

    var flags: [Flag] {
        var facts = Flag.Facts()
        facts.ageDays = ageDays
        facts.channels = record.channels
        facts.gossipAgeDays = gossipAgeDays
        facts.isReachable = isReachable
        facts.capacityChange24h = capacityChange24h
        facts.change7d = change7d
        return Flag.all(for: facts)
    }

    /// Fee changes per channel as a share of what counts as worst, or `nil` before a day of watching.
    var feeVolatility: Double? {
        guard now - record.firstObserved >= 86_400, record.channels > 0 else { return nil }
        let perWeek = Double(record.history.feeChanges7d) / Double(record.channels)
        return 1 - NodeScore.policyStability(changesPerChannelAndWeek: perWeek)
    }

    private func change(since before: Int64?) -> Double? {
        guard let before, before > 0 else { return nil }
        return Double(record.capacitySat - before) / Double(before)
    }
}
