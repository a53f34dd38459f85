// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// Where a pass reads the graph from: a Lightning node, as a rule.
public protocol GraphSource: Sendable {
    /// What the node says about itself.
    func status() async throws -> GraphSourceStatus

    /// Reads the JSON of LND's `GET /v1/graph` and hands it on piece by piece, in order.
    ///
    /// Waits for `take` before it reads on, so that nothing piles up. An error of `take` ends the reading and is passed
    /// on. Must take notice of cancellation.
    func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws
}

/// What a graph source says about itself.
public struct GraphSourceStatus: Sendable, Hashable {
    /// The node's own key: where its paths start.
    public let node: NodeID
    /// Whether the node believes that it knows the whole graph.
    public let isSyncedToGraph: Bool

    public init(node: NodeID, isSyncedToGraph: Bool) {
        self.node = node
        self.isSyncedToGraph = isSyncedToGraph
    }
}

/// A graph source that also tells what changes.
public protocol GraphUpdateSource: GraphSource {
    /// Hands on the lines of LND's `GET /v1/graph/subscribe` until the stream ends, one after the other.
    ///
    /// - Throws: ``GraphUpdatesUnsupported`` when the source has no such stream.
    func readUpdates(_ take: ([UInt8]) async -> Void) async throws
}

/// The source does not tell what changes: only reading the whole graph again does.
public struct GraphUpdatesUnsupported: Error {
    public init() {}
}
