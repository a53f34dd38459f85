// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import Foundation
import Gzip
import LightningPrimitives

/// A source that plays a file or fixed bytes.
struct TestGraphSource: GraphSource {
    enum Content: Sendable {
        case file(String)
        case json(String)
    }

    var content: Content
    var node = testNode(250)
    var isSynced = true

    func status() async throws -> GraphSourceStatus { GraphSourceStatus(node: node, isSyncedToGraph: isSynced) }

    func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws {
        switch content {
        case .json(let text):
            try Array(text.utf8).withUnsafeBytes(take)
        case .file(let path):
            let reader = try GzipReader(path: path)
            while let chunk = try reader.next() { try chunk.withUnsafeBytes(take) }
        }
    }

    /// The graph of the 100 best connected nodes of mainnet.
    static let top100 = TestGraphSource(content: .file(snapshotPath("mainnet-2026-02-03-top100")))
}

/// A file of the project, by its path from the project's directory.
func projectFile(_ path: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: path)
}

func snapshotPath(_ name: String) -> String { projectFile("Examples/graph/\(name).graph.json.gz").path }

/// A node identity that depends on a number only.
func testNode(_ number: UInt8) -> NodeID {
    var bytes = [UInt8](repeating: 0, count: 33)
    bytes[0] = 2
    bytes[32] = number
    guard let id = NodeID(bytes) else { preconditionFailure("02 begins a key") }
    return id
}
