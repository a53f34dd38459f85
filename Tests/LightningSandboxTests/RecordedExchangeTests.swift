// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import Testing

@testable import LightningSandbox

/// Replays what a real LND was asked, and compares status, headers, fields and types of the answers.
@Suite("The recorded exchanges with LND")
struct RecordedExchangeTests {
    /// Exchanges with states or calls the sandbox does not have.
    static let notApplicable: [String: String] = [
        "error-node-starting-graph": "the sandbox is never starting",
        "error-node-starting-invoice": "the sandbox is never starting",
        "error-node-starting-lookup": "the sandbox is never starting",
        "error-node-starting-pay": "the sandbox is never starting",
        "error-node-starting-payreq": "the sandbox is never starting",
        "error-node-starting-subscribe": "the sandbox is never starting",
        "getinfo-node-starting": "the sandbox is never starting",
        "state-node-starting": "the sandbox is never starting",
        "error-wallet-locked": "the sandbox has no wallet to lock",
        "error-wallet-locked-invoice": "the sandbox has no wallet to lock",
        "error-wallet-not-created": "the sandbox has no wallet to lock",
        "state-locked": "the sandbox has no wallet to lock",
        "state-wallet-not-created": "the sandbox has no wallet to lock",
        "estimatefee-invoice": "fee estimates are not served",
        "estimatefee-node": "fee estimates are not served",
        "graph-nodemetrics": "node metrics are not served",
        "hodl-add": "hold invoices are not served",
        "hodl-settle": "hold invoices are not served",
        "invoice-lookup-accepted": "hold invoices are not served",
        "router-send-hodl": "hold invoices are not served",
        "mission-control": "mission control is not served",
        "mission-control-config": "mission control is not served",
        "mission-control-probability": "mission control is not served",
    ]

    /// What the sandbox decides otherwise, on purpose.
    static let otherwise: [String: String] = [
        "graph-unannounced": "the accounts' channels have no announcement signatures to prove them",
        "invoices-subscribe": "waits for events, so it has a test of its own",
        "router-send-no-route": "neighbours always have a route; unknown nodes have none, see the tests of payments",
    ]

    @Test("have the same status, fields and types in the sandbox")
    func replay() async throws {
        let clock = TestClock()
        try await withSandbox(["alice", "bob", "carol"], network: .simnet, clock: clock) { nodes in
            let recordings = try RecordedExchange.all()
            let stage = try await Stage(nodes, clock, recordings)
            #expect(recordings.count > 90)
            var replayed = 0
            for (name, data) in recordings.sorted(by: { $0.key < $1.key }) {
                guard Self.notApplicable[name] == nil, Self.otherwise[name] == nil else { continue }
                let text = try await stage.translate(String(decoding: data, as: UTF8.self), name: name)
                let exchange = try #require(try RecordedExchange(name: name, text: text), "\(name)")
                try await stage.replay(exchange)
                replayed += 1
            }
            #expect(replayed > 70)
        }
    }
}
