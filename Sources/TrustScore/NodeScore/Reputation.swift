// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The reputation component of SatRank's node score: a weighted mean of what is there.
struct Reputation {
    /// `nil` without a PageRank percentile.
    let centrality: Double?
    /// `nil` without capacity.
    let peerTrust: Double?
    let routingQuality: Double
    let capacityTrend: Double
    let feeStability: Double

    init(_ facts: CompatibleNodeScore.Facts) {
        centrality = facts.pageRankPercentile > 0 ? Double(facts.pageRankPercentile) : nil
        peerTrust = Self.peerTrust(facts)
        routingQuality = Self.routingQuality(facts)
        capacityTrend = Self.capacityTrend(facts)
        feeStability = Self.feeStability(facts)
    }

    /// The mean of the present parts, weights renormalised over them.
    var value: Double {
        let parts: [(value: Double?, weight: Double)] = [
            (centrality, 0.20), (peerTrust, 0.30), (routingQuality, 0.20), (capacityTrend, 0.15), (feeStability, 0.15),
        ]
        var (sum, total) = (0.0, 0.0)
        for case (let value?, let weight) in parts {
            sum += value * weight
            total += weight
        }
        return sum / total
    }

    private static func peerTrust(_ facts: CompatibleNodeScore.Facts) -> Double? {
        guard facts.channels > 0, facts.capacitySat > 0 else { return nil }
        let bitcoinPerChannel = Double(facts.capacitySat) / 1e8 / Double(facts.channels)
        return min(100, 100 * log10(100 * bitcoinPerChannel + 1) / log10(201))
    }

    private static func routingQuality(_ facts: CompatibleNodeScore.Facts) -> Double {
        guard let hops = facts.hops, let latency = facts.latency else { return 50 }
        return 0.6 * max(4, 100 - 12 * (hops.mean - 1)) + 0.4 * max(0, 100 - latency.mean / 3)
    }

    private static func capacityTrend(_ facts: CompatibleNodeScore.Facts) -> Double {
        guard let before = facts.capacity7dAgoSat, before > 0 else { return 50 }
        let change = Double(facts.capacitySat - before) / Double(before)
        return 100 / (1 + exp(-6 * change))
    }

    private static func feeStability(_ facts: CompatibleNodeScore.Facts) -> Double {
        guard facts.feeChannels7d > 0 else { return 50 }
        let rate = Double(facts.feeChanges7d) / Double(facts.feeChannels7d)
        return 100 / (1 + exp(1.5 * (rate - 2)))
    }
}
