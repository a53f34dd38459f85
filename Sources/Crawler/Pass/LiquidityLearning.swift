// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Evidence
internal import LightningGraph
internal import LightningPrimitives
internal import Synchronization

/// What own payments and probes have taught about the money in channels, kept from pass to pass.
///
/// After a start everything kept in the database is learnt again, oldest first; after that each pass adds what is new.
final class LiquidityLearning: Sendable {
    private struct State {
        var model = LiquidityModel()
        /// The newest attempt that was learnt from.
        var newest: Int64 = 0
    }

    private let state = Mutex(State())

    /// The newest attempt that was learnt from, 0 before any.
    var newest: Int64 { state.withLock { $0.newest } }

    /// The model as it is now.
    var model: LiquidityModel { state.withLock { $0.model } }

    /// Learns from attempts, in their order.
    ///
    /// - Returns: for each attempt that had none, the probability it was given before it was learnt from.
    func learn(from attempts: [PathOutcomeStore.Stored], in view: LiquidityView, own: NodeID) -> [Int64: Double] {
        state.withLock { state in
            var forecasts: [Int64: Double] = [:]
            for attempt in attempts where attempt.id > state.newest {
                state.newest = attempt.id
                guard let outcome = Self.outcome(attempt.outcome, in: view, own: own) else { continue }
                if attempt.outcome.predicted == nil {
                    let hops = outcome.hops.map { (place: $0.place, amountMsat: $0.amountMsat) }
                    forecasts[attempt.id] = state.model.probability(of: hops, time: outcome.time)
                }
                state.model.observe(outcome)
            }
            return forecasts
        }
    }

    /// An attempt as the model sees it: without the sender's own channels, whose balances it knows.
    ///
    /// - Returns: `nil` when nothing is left, or when the channel that failed has left the graph.
    static func outcome(
        _ stored: Evidence.PathOutcome,
        in view: LiquidityView,
        own: NodeID
    ) -> LightningGraph.PathOutcome? {
        var hops: [LightningGraph.PathOutcome.Hop] = []
        for (number, hop) in stored.hops.enumerated() {
            let isFailure = number == stored.failedHop
            guard let index = view.graph.channelIndex(ShortChannelID(rawValue: hop.channel)) else {
                if isFailure { return nil }
                continue
            }
            let place = view.place(Int32(index * 2) + Int32(hop.direction))
            guard place.from != own else {
                if isFailure { return nil }
                continue
            }
            let result: LightningGraph.PathOutcome.Result =
                stored.failedHop.map { number < $0 ? .carried : isFailure ? .refused : .unknown } ?? .carried
            hops.append(.init(place: place, amountMsat: hop.amountMsat, result: result))
        }
        guard !hops.isEmpty else { return nil }
        return LightningGraph.PathOutcome(
            hops: hops,
            isSettled: stored.kind == .payment && stored.failedHop == nil,
            time: Double(stored.observedAt)
        )
    }
}
