// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Gzip
internal import Synchronization

/// The network's graph as the sandbox's nodes know it.
struct Graph: Sendable {
    /// The answer of `GET /v1/graph` in a file, plain or gzip; `nil` for an empty graph.
    let path: String?

    /// Opens the graph's JSON.
    func open() throws -> any ByteSource {
        guard let path else { return ListedBytes(["nodes": [], "edges": []]) }
        return FileBytes(try GzipReader(path: path, chunkSize: 256 << 10))
    }
}

/// A file that is inflated on the way.
final class FileBytes: ByteSource {
    private let reader: Mutex<GzipReader>

    init(_ reader: sending GzipReader) { self.reader = Mutex(reader) }

    func next() throws -> [UInt8]? { try reader.withLock { try $0.next() } }
}

/// A document that is in memory.
final class ListedBytes: ByteSource {
    private let bytes: Mutex<[UInt8]?>

    init(_ json: JSON) { bytes = Mutex(json.utf8) }

    func next() -> [UInt8]? {
        bytes.withLock { bytes in
            defer { bytes = nil }
            return bytes
        }
    }
}
