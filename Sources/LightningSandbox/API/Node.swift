// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// One account as a node: what its REST calls work on.
struct Node: Sendable {
    let account: Int
    let ledger: Ledger
    let clock: any SandboxClock
    let graph: Graph
    /// The addresses other nodes would reach it by; it has none but its REST listener.
    let uris: [String] = []
    /// What it has learnt from attempts since it was started.
    let missionControl = MissionControl()
}

/// Where the sandbox gets the time.
protocol SandboxClock: Sendable {
    /// Unix nanoseconds.
    var nowNs: Int64 { get }
}

extension SandboxClock {
    /// Unix seconds.
    var now: Int64 { nowNs / 1_000_000_000 }
}
