// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Whether a node of the simulated network answers, over time.
enum NodeFate: Sendable {
    case reliable
    case dead
    /// Goes up and down; the times are means in seconds.
    case flaky(up: Double, down: Double)
    /// Takes payments and drops this share of them.
    case dropping(Double)
}
