// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import ServiceChecks
import Testing
import TrustScore

/// When to look, where to spend, and what an outcome teaches.
struct ChoiceTests {
    /// A generator whose numbers are known.
    struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    private static func candidate(
        _ number: UInt8,
        host: String = "a",
        payee: NodeID? = nil,
        operatorID: [UInt8]? = nil,
        sats: Int64 = 5,
        queries: Double = 0,
        paid: Bool = true,
        stages: [Stage: BetaDistribution] = [:]
    ) -> PaidProbeChoice.Candidate {
        .init(
            endpoint: [number],
            host: host,
            payee: payee,
            operatorID: operatorID,
            price: .sat(sats),
            expectedFee: .sat(1),
            recentQueries: queries,
            wasPaidBefore: paid,
            stages: stages
        )
    }

    @Test("the surer and the less wanted an endpoint is, the later it is looked at, within five minutes and a day")
    func schedule() {
        var numbers = Numbers(state: 1)
        func wait(_ demand: CheckSchedule.Demand, _ probability: Double) -> Double {
            CheckSchedule.wait(demand, probability: probability, using: &numbers)
        }
        for demand in CheckSchedule.Demand.allCases {
            for step in 0...10 {
                let probability = Double(step) / 10
                let seconds = wait(demand, probability)
                #expect(CheckSchedule.bounds.contains(seconds))
                let middle = min(86_400, demand.base * exp2(abs(probability - 0.5) * 2 * 1.442_695))
                #expect(abs(seconds - middle) <= middle * 0.101)
            }
        }
        #expect(CheckSchedule.Demand(secondsSinceQuery: 7199) == .hot)
        #expect(CheckSchedule.Demand(secondsSinceQuery: 7200) == .warm)
        #expect(CheckSchedule.Demand(secondsSinceQuery: 86_400) == .cold)
        #expect(CheckSchedule.Demand(secondsSinceQuery: nil) == .cold)
        #expect(wait(.hot, .nan).isFinite)
    }

    @Test("a probe is worth more where more is unknown, more is asked for and less is paid")
    func utility() {
        let known = BetaDistribution(alpha: 50, beta: 2)
        let settled: [Stage: BetaDistribution] = [.payment: known, .delivery: known, .quality: known]
        let base = Self.candidate(1)
        #expect(base.utility > Self.candidate(1, stages: settled).utility)
        #expect(Self.candidate(1, queries: 3).utility > base.utility)
        #expect(Self.candidate(1, sats: 50).utility < base.utility)
        #expect(abs(Self.candidate(1, paid: false).utility / base.utility - 3) < 1e-12)
        let dead = Self.candidate(1, stages: [.challenge: BetaDistribution(alpha: 1.5, beta: 9)])
        #expect(abs(dead.utility / base.utility - 0.2) < 1e-12)
        // 0.05 x Var(Beta(1.5, 1.5)) / 4 / (5 + 1 + 1).
        #expect(abs(base.utility - 0.05 * (0.0625 / 4) / 7) < 1e-15)
    }

    @Test("a cycle keeps its budget, two probes per host and three per operator")
    func limits() {
        var numbers = Numbers(state: 2)
        let many = (0..<100).map { Self.candidate($0, host: "h\($0 % 7)", operatorID: [$0 % 3]) }
        for _ in 0..<50 {
            let limits = PaidProbeChoice.Limits(budget: .sat(50), probes: 10)
            let chosen = PaidProbeChoice.choose(many.shuffled(using: &numbers), limits: limits, using: &numbers)
            #expect(chosen.count == 8)  // 8 x 6 sat fit into 50
            #expect(Set(chosen.map(\.endpoint)).count == chosen.count)
            #expect(Dictionary(grouping: chosen, by: \.host).allSatisfy { $0.value.count <= 2 })
            #expect(Dictionary(grouping: chosen, by: \.operatorID).allSatisfy { $0.value.count <= 3 })
        }
    }

    @Test("names below one domain, and domains with one payee, are worth no more probes than one alone")
    func sybils() throws {
        var numbers = Numbers(state: 4)
        let limits = PaidProbeChoice.Limits(budget: .sat(1000), probes: 50)
        let subdomains = (0..<60).map { Self.candidate($0, host: "s\($0).evil.example:\(8000 + Int($0))") }
        #expect(PaidProbeChoice.choose(subdomains, limits: limits, using: &numbers).count == 2)
        let payee = try #require(NodeID([2] + [UInt8](repeating: 7, count: 32)))
        let domains = (0..<60).map { Self.candidate($0, host: "evil\($0).example", payee: payee) }
        #expect(PaidProbeChoice.choose(domains, limits: limits, using: &numbers).count == 3)
        // Whose payee is not known yet is limited by its domain.
        let unknown = (0..<60).map { Self.candidate($0, host: "new\($0).example") }
        #expect(PaidProbeChoice.choose(unknown, limits: limits, using: &numbers).count == 50)
    }

    @Test("a part of the budget goes to endpoints by lot, the rest to the most useful")
    func coverage() {
        var numbers = Numbers(state: 3)
        let wanted = (0..<10).map { Self.candidate($0, host: "w\($0)", queries: 100) }
        let forgotten = (10..<110).map { Self.candidate($0, host: "f\($0)") }
        var lots: Set<[UInt8]> = []
        for _ in 0..<40 {
            let limits = PaidProbeChoice.Limits(budget: .sat(30), probes: 5)
            let chosen = PaidProbeChoice.choose(wanted + forgotten, limits: limits, using: &numbers)
            #expect(chosen.filter { $0.recentQueries > 0 }.count >= 4)
            lots.formUnion(chosen.filter { $0.recentQueries == 0 }.map(\.endpoint))
        }
        #expect(lots.count > 10)
    }

    @Test("an outcome writes the stages the table names, and nothing where we are to blame")
    func outcomes() {
        func written(_ outcome: PaidProbeOutcome) -> [String] {
            outcome.stageWrites.map { "\($0.stage.rawValue) \($0.isSuccess) \($0.label)" }
        }
        #expect(written(.init(failureReason: "FAILURE_REASON_NO_ROUTE")) == ["payment false pay_routing_failed"])
        #expect(written(.init(failureReason: "FAILURE_REASON_INSUFFICIENT_BALANCE")).isEmpty)
        #expect(written(.init(failureReason: "FAILURE_REASON_TIMEOUT")).isEmpty)
        #expect(
            written(.init(failureReason: "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS"))
                == ["payment false pay_other_failure"]
        )
        let body = Array(#"{"price": 64000}"#.utf8)
        #expect(
            written(.init(status: 200, contentType: "application/json", body: body)) == [
                "payment true pay_ok", "delivery true delivery_ok", "quality true quality_ok",
            ]
        )
        #expect(
            written(.init(status: 200, contentType: nil, body: Array("short".utf8))) == [
                "payment true pay_ok", "delivery false delivery_empty_body",
            ]
        )
        #expect(PaidProbeOutcome(status: 404, contentType: nil, body: body) == .delivery4xx)
        #expect(PaidProbeOutcome(status: 502, contentType: nil, body: body) == .delivery5xx)
        #expect(PaidProbeOutcome(status: 302, contentType: nil, body: body) == .deliveryOther)
        #expect(PaidProbeOutcome(status: nil, contentType: nil, body: []) == .deliveryOther)
        let silent = PaidProbeOutcome.allCases.filter(\.stageWrites.isEmpty).count
        #expect(silent == 13)
    }

    @Test("a status has its class of health")
    func health() {
        #expect([200, 301, 308, 402].allSatisfy { HTTPHealth(status: $0) == .healthy })
        #expect([400, 404, 429].allSatisfy { HTTPHealth(status: $0) == .degraded })
        #expect([0, 303, 500, 999].allSatisfy { HTTPHealth(status: $0) == .down })
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
