// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What every node of the sandbox says of itself.
enum NodeFacts {
    /// The LND release whose answers the sandbox gives.
    static let version = "0.21.1-beta commit=assay-sandbox"
    /// The chain stands still: nothing in the sandbox waits for blocks.
    static let blockHeight = 416
    static let blockHash = "7350bc7ecba58627296971bcf01cca5dc8d208f6c6d486cd22de5342154bd274"
    static let color = "#3399ff"
    /// Blocks the last hop of a payment is locked for: the invoice's 80 and LND's padding of 3.
    static let finalDelta = 83
}
