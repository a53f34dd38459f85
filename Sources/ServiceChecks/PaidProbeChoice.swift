// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import TrustScore

/// Which endpoints the next paid probes buy from.
///
/// A probe is worth the variance it can be expected to remove, times how wanted the endpoint is, per satoshi.
public enum PaidProbeChoice {
    /// An endpoint that could be probed.
    public struct Candidate: Sendable, Hashable {
        /// 32 bytes.
        public let endpoint: [UInt8]
        public let host: String
        /// Who was to be paid when it was looked at last, where that is known.
        public let payee: NodeID?
        /// Who runs it, where that is known.
        public let operatorID: [UInt8]?
        /// What it is expected to cost, without routing fees.
        public let price: MilliSatoshi
        public let expectedFee: MilliSatoshi
        /// Sum over the queries for it of e^(-age / 3 days).
        public let recentQueries: Double
        public let wasPaidBefore: Bool
        /// Beliefs about the five stages; absent means nothing is known.
        public let stages: [Stage: BetaDistribution]

        public init(
            endpoint: [UInt8],
            host: String,
            payee: NodeID? = nil,
            operatorID: [UInt8]? = nil,
            price: MilliSatoshi,
            expectedFee: MilliSatoshi,
            recentQueries: Double,
            wasPaidBefore: Bool,
            stages: [Stage: BetaDistribution]
        ) {
            self.endpoint = endpoint
            self.host = host
            self.payee = payee
            self.operatorID = operatorID
            self.price = price
            self.expectedFee = expectedFee
            self.recentQueries = recentQueries
            self.wasPaidBefore = wasPaidBefore
            self.stages = stages
        }

        /// How wanted the knowledge is.
        var demand: Double {
            var demand = 0.05 + max(0, recentQueries)
            if !wasPaidBefore { demand *= 3 }
            if let challenge = stages[.challenge], challenge.mean < 0.4 { demand *= 0.2 }
            return demand
        }

        /// Expected reduction of a stage's variance by one observation: exactly V / (a + b + 1), for the stage of the
        /// three paid ones where it is greatest.
        var expectedReduction: Double {
            [Stage.payment, .delivery, .quality].map { stage in
                let belief = stages[stage] ?? Posterior.flatPrior
                return belief.variance / (belief.alpha + belief.beta + 1)
            }.max() ?? 0
        }

        /// Value per satoshi.
        public var utility: Double {
            demand * expectedReduction / (Double(price.msat + expectedFee.msat) / 1000 + 1)
        }

        /// What a probe takes out of the budget while it is under way.
        var cost: Int64 { price.msat + expectedFee.msat }
    }

    /// What a cycle may do.
    public struct Limits: Sendable, Hashable {
        public var budget: MilliSatoshi
        public var probes: Int
        /// Whatever the number of hosts below it; see ``RegistrableDomain``.
        public var perDomain = 2
        /// Whatever the number of domains that have it paid.
        public var perPayee = 3
        public var perOperator = 3
        /// Part of the budget that is spent on endpoints drawn by lot.
        public var randomShare = 0.1

        public init(budget: MilliSatoshi, probes: Int) {
            self.budget = budget
            self.probes = probes
        }
    }

    private struct Cart {
        let limits: Limits
        var chosen: [Candidate] = []
        var domains: [RegistrableDomain: Int] = [:]
        var payees: [NodeID: Int] = [:]
        var operators: [[UInt8]: Int] = [:]
        var spent: Int64 = 0

        mutating func add(_ candidate: Candidate, within budget: Int64) {
            let domain = RegistrableDomain(host: candidate.host)
            guard chosen.count < limits.probes, spent + candidate.cost <= budget,
                domains[domain, default: 0] < limits.perDomain,
                candidate.payee.map({ payees[$0, default: 0] < limits.perPayee }) ?? true,
                candidate.operatorID.map({ operators[$0, default: 0] < limits.perOperator }) ?? true,
                !chosen.contains(where: { $0.endpoint == candidate.endpoint })
            else { return }
            chosen.append(candidate)
            spent += candidate.cost
            domains[domain, default: 0] += 1
            if let payee = candidate.payee { payees[payee, default: 0] += 1 }
            if let id = candidate.operatorID { operators[id, default: 0] += 1 }
        }
    }

    /// Chooses greedily by utility, after a tenth of the budget has gone to endpoints drawn by lot.
    ///
    /// The lot comes first, or nothing would be left for it; at least one probe of it is made when the budget allows
    /// more than one.
    public static func choose(
        _ candidates: [Candidate],
        limits: Limits,
        using generator: inout some RandomNumberGenerator
    ) -> [Candidate] {
        var cart = Cart(limits: limits)
        let lotBudget = Int64(Double(limits.budget.msat) * limits.randomShare)
        var lot = candidates.shuffled(using: &generator)[...]
        if limits.probes > 1, let first = lot.first, first.cost <= limits.budget.msat / 2 {
            cart.add(first, within: limits.budget.msat)
            lot = lot.dropFirst()
        }
        for candidate in lot { cart.add(candidate, within: lotBudget) }
        let ranked = candidates.sorted {
            $0.utility != $1.utility ? $0.utility > $1.utility : $0.endpoint.lexicographicallyPrecedes($1.endpoint)
        }
        for candidate in ranked { cart.add(candidate, within: limits.budget.msat) }
        return cart.chosen
    }
}
