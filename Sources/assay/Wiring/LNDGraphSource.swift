// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import LND
import LightningPrimitives
import NIOCore

/// The graph of an LND node.
struct LNDGraphSource: GraphUpdateSource {
    let lnd: LNDClient

    func status() async throws -> GraphSourceStatus {
        let status = try await lnd.nodeStatus()
        guard let node = NodeID(hex: status.identity) else {
            throw Failure(Failure.unavailable, "the node names itself by something that is not a public key")
        }
        return GraphSourceStatus(node: node, isSyncedToGraph: status.syncedToGraph)
    }

    func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws {
        for try await chunk in try await lnd.openGraph() {
            try chunk.withUnsafeReadableBytes(take)
        }
    }

    func readUpdates(_ take: ([UInt8]) async -> Void) async throws {
        do {
            try await lnd.readGraphUpdates(take)
        } catch  where error.errorClass == .unsupported {
            throw GraphUpdatesUnsupported()
        }
    }
}
