// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LND

@Suite("SatRank's circuit breaker beside ours")
struct CompatibleCircuitBreakerTests {
    private struct Step: Decodable {
        let t_ms: Int
        let event: String
        let result: Bool?
        let state: String
        let next_retry_at: Int?
    }

    private func trace() throws -> [Step] {
        struct File: Decodable { let trace: [Step] }
        let url = try #require(
            Bundle.module.url(forResource: "circuit_breaker_compat", withExtension: "json", subdirectory: "Vectors")
        )
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).trace
    }

    @Test("the compatible breaker follows SatRank's trace step by step")
    func compatible() throws {
        var breaker = CompatibleCircuitBreaker()
        for step in try trace() {
            switch step.event {
            case "can":
                let isAdmitted = breaker.canCall(now: step.t_ms)
                #expect(isAdmitted == step.result)
            case "ok": breaker.recordSuccess()
            default: breaker.recordFailure(now: step.t_ms)
            }
            #expect(breaker.state.rawValue == step.state && breaker.nextRetryAt == step.next_retry_at, "\(step)")
        }
    }

    @Test("on the same trace ours opens at the same failure, and then tries again within a second instead of thirty")
    func ours() throws {
        var breaker = CircuitBreaker()
        var openedAt: [Int] = []
        for step in try trace() where step.t_ms < 1000 {
            let now = Double(step.t_ms) / 1000
            let isAdmitted = breaker.admit(now: now)
            guard isAdmitted else { continue }
            breaker.record(step.event == "ok" ? .success : .failure, now: now, draw: 1)
            if case .open = breaker.state { openedAt.append(step.t_ms) }
        }
        #expect(openedAt == [20])
        #expect(breaker.state == .open(until: 1.02))
        let admissions = [1.01, 1.02, 1.02].map { breaker.admit(now: $0) }
        #expect(admissions == [false, true, false])
    }
}
