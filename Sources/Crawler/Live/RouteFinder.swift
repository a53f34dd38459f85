// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// A second opinion on routes: LND's own path-finding, as a rule.
public protocol RouteFinder: Sendable {
    /// Asks for a route.
    ///
    /// - Parameters:
    ///   - source: where it starts; `nil` is the node that is asked.
    ///   - feeLimit: of the whole route.
    func find(from source: NodeID?, to target: NodeID, amount: MilliSatoshi, feeLimit: MilliSatoshi) async
        -> RouteFinding
}

/// What a route finder answered.
public enum RouteFinding: String, Sendable, Hashable, Codable {
    case found
    case none
    /// Nothing follows: no answer, our own balance, a sentence nobody understands.
    case unknown
}
