// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives
internal import Synchronization

/// What a node has learnt from its attempts: by pair of neighbours, the newest failure and success.
final class MissionControl: Sendable {
    private struct Pair: Hashable {
        let from: NodeID
        let to: NodeID
    }

    private struct History {
        var failTime: Int64 = 0
        var failMsat: Int64 = 0
        var successTime: Int64 = 0
        var successMsat: Int64 = 0

        var newest: Int64 { max(failTime, successTime) }
    }

    /// LND keeps as many results.
    private static let mostPairs = 1000

    private let pairs = Mutex<[Pair: History]>([:])

    /// Takes note of how far an attempt came.
    ///
    /// - Parameters:
    ///   - source: the sender.
    ///   - failed: the position of the hop that could not be gone; `nil` when the payee was reached.
    func learn(from hops: [SentHop], source: NodeID, failedHop failed: Int?, now: Int64) {
        pairs.withLock { pairs in
            var from = source
            for (position, hop) in hops.enumerated() {
                let pair = Pair(from: from, to: hop.node)
                from = hop.node
                guard position <= failed ?? .max else { break }
                var history = pairs[pair] ?? History()
                if position == failed {
                    history.failTime = now
                    history.failMsat = hop.carriedMsat
                    history.successMsat = min(history.successMsat, hop.carriedMsat - 1)
                } else {
                    history.successTime = now
                    history.successMsat = max(history.successMsat, hop.carriedMsat)
                    if history.failTime > 0 { history.failMsat = max(history.failMsat, history.successMsat + 1) }
                }
                if pairs[pair] == nil, pairs.count >= Self.mostPairs,
                    let oldest = pairs.min(by: { $0.value.newest < $1.value.newest })?.key
                {
                    pairs[oldest] = nil
                }
                pairs[pair] = history
            }
        }
    }

    var json: JSON {
        let sorted = pairs.withLock { $0 }.sorted { ($0.key.from, $0.key.to) < ($1.key.from, $1.key.to) }
        return [
            "pairs": .array(
                sorted.map { pair, history in
                    [
                        "node_from": .string(Base64.encode(pair.from.bytes)),
                        "node_to": .string(Base64.encode(pair.to.bytes)),
                        "history": [
                            "fail_time": .text(history.failTime),
                            "fail_amt_sat": .text(history.failMsat / 1000),
                            "fail_amt_msat": .text(history.failMsat),
                            "success_time": .text(history.successTime),
                            "success_amt_sat": .text(history.successMsat / 1000),
                            "success_amt_msat": .text(history.successMsat),
                        ],
                    ]
                }
            )
        ]
    }
}
