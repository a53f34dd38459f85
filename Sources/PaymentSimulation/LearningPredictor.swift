// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph

/// Assay's liquidity model.
struct LearningPredictor: Predictor {
    let view: LiquidityView
    private var model = LiquidityModel()

    init(view: LiquidityView) { self.view = view }

    func probability(of payment: SimulatedPayment, time: Double) -> Double {
        model.probability(of: payment.hops.map { (view.place($0), payment.amountMsat) }, time: time)
    }

    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double) {
        let hops = payment.hops.enumerated().map { position, direction in
            let refusal = refusedAt ?? payment.hops.count
            return PathOutcome.Hop(
                place: view.place(direction),
                amountMsat: payment.amountMsat,
                result: position < refusal ? .carried : position == refusal ? .refused : .unknown
            )
        }
        model.observe(PathOutcome(hops: hops, isSettled: true, time: time))
    }
}
