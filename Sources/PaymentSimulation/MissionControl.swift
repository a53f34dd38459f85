// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph

/// What LND remembers of payments: for each directed pair the last amounts that went through and that did not.
///
/// Kept by channel, which is finer than LND's pair where two nodes share several channels. Source: LND,
/// `routing/missioncontrol_state.go`.
struct MissionControl: Sendable {
    struct Result: Sendable {
        var successTime: Double?
        var successMsat = 0.0
        var failTime: Double?
        var failMsat = 0.0
    }

    /// LND's `DefaultMinFailureRelaxInterval`: a failure of a larger amount within a minute changes nothing.
    private static let relaxInterval = 60.0

    private let graph: ChannelGraph
    private(set) var results: [Int32: Result] = [:]
    /// The directions with a result, by the node they leave.
    private var tried: [Int32: [Int32]] = [:]

    init(graph: ChannelGraph) { self.graph = graph }

    /// The other directions with a result that leave the same node.
    func others(besides direction: Int32) -> [Result] {
        (tried[sender(direction)] ?? []).compactMap { $0 == direction ? nil : results[$0] }
    }

    /// All results of the node that a direction leaves.
    func all(leavingSenderOf direction: Int32) -> [Result] {
        (tried[sender(direction)] ?? []).compactMap { results[$0] }
    }

    func capacity(_ direction: Int32) -> Double { Double(graph.channels[Int(direction >> 1)].capacitySat) * 1000 }

    private func sender(_ direction: Int32) -> Int32 {
        let channel = graph.channels[Int(direction >> 1)]
        return direction & 1 == 0 ? channel.node1 : channel.node2
    }

    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double) {
        let amount = Double(payment.amountMsat)
        for (direction, carried) in payment.known(refusedAt: refusedAt) {
            if results[direction] == nil { tried[sender(direction), default: []].append(direction) }
            var result = results[direction] ?? Result()
            if carried {
                result.successTime = time
                result.successMsat = max(result.successMsat, amount)
                if result.failTime != nil, amount >= result.failMsat { result.failMsat = amount + 1 }
            } else {
                if let last = result.failTime, amount > result.failMsat, time - last < Self.relaxInterval { continue }
                result.failTime = time
                result.failMsat = amount
                if result.successMsat >= amount { result.successMsat = max(0, amount - 1) }
            }
            results[direction] = result
        }
    }
}
