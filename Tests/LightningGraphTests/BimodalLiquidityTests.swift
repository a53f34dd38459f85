// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningGraph
import Testing

@Suite("Bimodal liquidity")
struct BimodalLiquidityTests {
    private struct Vector: Decodable {
        struct Case: Decodable {
            let capacity_msat: Double
            let success_amt_msat: Double
            let fail_amt_msat: Double
            let amount_msat: Double
            let probability: Double
        }
        struct Decay: Decodable {
            let hours: Double
            let can_send_from_100m: Double
            let cannot_send_from_400m_cap_1000m: Double
        }
        let cases: [Case]
        let decay: [Decay]
    }

    @Test("probabilities agree with LND's formula")
    func probabilities() throws {
        let model = BimodalLiquidity()
        for item in try vector("bimodal", as: Vector.self).cases {
            let probability = model.probability(
                amount: item.amount_msat,
                capacity: item.capacity_msat,
                success: item.success_amt_msat,
                failure: item.fail_amt_msat
            )
            #expect(abs(probability - item.probability) < 1e-9, "capacity \(item.capacity_msat)")
        }
    }

    @Test("knowledge fades as LND lets it fade")
    func decay() throws {
        let model = BimodalLiquidity()
        for item in try vector("bimodal", as: Vector.self).decay {
            let age = item.hours * 3600
            #expect(model.decayed(success: 100_000_000, age: age) == item.can_send_from_100m)
            let failure = model.decayed(failure: 400_000_000, capacity: 1_000_000_000, age: age)
            #expect(failure == item.cannot_send_from_400m_cap_1000m)
        }
    }

    @Test("a larger amount is never more likely, and every probability lies in 0...1")
    func monotone() {
        let model = BimodalLiquidity()
        for capacity in [0.0, 1, 20_000_000, 1e9, 1e12, 2.1e18] {
            var last = 1.0
            for share in stride(from: 0.0, through: 1.1, by: 0.01) {
                let probability = model.probability(amount: capacity * share, capacity: capacity)
                #expect((0...1).contains(probability))
                #expect(probability <= last + 1e-12)
                last = probability
            }
        }
    }
}
