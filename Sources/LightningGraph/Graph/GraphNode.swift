// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// A node as its announcements describe it.
public struct GraphNode: Sendable, Hashable {
    public var id: NodeID
    /// Free text that the node chose, without control characters, at most 128 bytes; empty when it never said.
    ///
    /// Two nodes may carry the same alias: never a key.
    public var alias: String
    /// Time of the last node announcement, Unix seconds; 0 when it never sent one.
    public var lastUpdate: Int64

    public init(id: NodeID, alias: String = "", lastUpdate: Int64 = 0) {
        self.id = id
        self.alias = alias
        self.lastUpdate = lastUpdate
    }
}
