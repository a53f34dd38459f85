// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives
internal import TrustScore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Chooses paths without knowing what any predictor knows: cheapest by LND's cost without knowledge, each time with
/// other small preferences.
///
/// Real senders differ, and one sender does not repeat a path that failed; so every channel's probability is raised to
/// a random power. Paths come from a stock of sweeps, one for each of a ladder of amounts and each set of preferences;
/// a payment takes the sweep of the next larger amount, which its path can carry too.
struct NeutralRouter: Sendable {
    private static let steps = 16
    private static let variants = 8
    private let ladder: [Int64]
    /// By step and variant.
    private let trees: [PathTree]
    private let graph: ChannelGraph
    private let source: Int

    init(_ sweep: PathSweep, graph: ChannelGraph, source: Int, seed: UInt64) {
        let lnd = BimodalLiquidity()
        ladder = (1...Self.steps).map { step in
            step == Self.steps ? 1_000_000_000 : Int64(1e6 * pow(1000, Double(step) / Double(Self.steps)))
        }
        var trees: [PathTree] = []
        for amount in ladder {
            let plain = graph.channels.map { channel in
                lnd.probability(amount: Double(amount), capacity: Double(channel.capacitySat) * 1000)
            }
            for variant in 0..<Self.variants {
                var generator = SeededGenerator(seed: seed, purpose: "route \(amount) \(variant)")
                var values = [Double](repeating: 0, count: plain.count * 2)
                for direction in values.indices {
                    let power = exp(0.7 * generator.normal())
                    values[direction] = plain[direction / 2] > 0 ? pow(plain[direction / 2], power) : 0
                }
                let probabilities = HopProbabilities(amount: MilliSatoshi(msat: amount), values: values)
                trees.append(sweep.tree(from: source, probabilities: probabilities))
            }
        }
        self.trees = trees
        self.graph = graph
        self.source = source
    }

    /// The path to a node behind the sender's own channel, or `nil` when there is none or nobody is behind it.
    func path(to target: Int, amountMsat: Int64, _ generator: inout SeededGenerator) -> [Int32]? {
        guard let step = ladder.firstIndex(where: { $0 >= amountMsat }) else { return nil }
        let tree = trees[step * Self.variants + generator.below(Self.variants)]
        guard let path = tree.path(to: target, in: graph), path.count > 1 else { return nil }
        let rest = Array(path.dropFirst())
        let isForwarded = rest.allSatisfy { direction in
            let policy = graph.channels[Int(direction >> 1)].policy(direction: Int(direction & 1))
            return policy.map { $0.minHTLCMsat <= amountMsat } ?? false
        }
        return isForwarded ? rest : nil
    }
}
