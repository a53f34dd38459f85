// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Gzip
internal import NIOPosix
internal import Synchronization

/// The network's graph as the sandbox's nodes know it.
final class Graph: Sendable {
    /// Where the answer of `GET /v1/graph` comes from.
    enum Source: Sendable {
        /// A file, plain or gzip.
        case file(String)
        case document(JSON)
    }

    /// The graph in a form that can be searched.
    struct Loaded: Sendable {
        let index: GraphIndex
        let records: RecordFile
    }

    private static let chunk = 256 << 10

    private let source: Source
    private let directory: String
    private let loaded = Readiness<Loaded>()
    private let isLoading = Mutex(false)

    /// - Parameter directory: where the records are kept, in a file without a name.
    init(source: Source, directory: String) {
        self.source = source
        self.directory = directory
    }

    /// Opens the graph's JSON; blocks.
    func open() throws -> any ByteSource {
        switch source {
        case .file(let path): FileBytes(try GzipReader(path: path, chunkSize: Self.chunk))
        case .document(let json): ListedBytes(json)
        }
    }

    /// Looks something up on a thread that may block; the first call waits until the graph has been read.
    func search<Found: Sendable>(_ look: @escaping @Sendable (Loaded) throws -> Found) async throws -> Found {
        startLoading()
        let loaded = try await loaded.value
        return try await NIOThreadPool.singleton.runIfActive { try look(loaded) }
    }

    /// Reads the graph on a thread that may block, once.
    func startLoading() {
        let isFirst = isLoading.withLock { isLoading in
            defer { isLoading = true }
            return !isLoading
        }
        guard isFirst else { return }
        NIOThreadPool.singleton.submit { [self] state in
            guard case .active = state else {
                return loaded.resolve(.failure(SandboxError(.stopped, "the sandbox is stopping")))
            }
            loaded.resolve(Result { try load() })
        }
    }

    private func load() throws -> Loaded {
        let bytes = try open()
        let records = try RecordFile(directory: directory)
        var index = GraphIndex()
        var splitter = RecordSplitter()
        while let piece = try bytes.next() {
            try records.append(piece)
            splitter.take(piece) { list, record, offset in
                index.take(list, record, at: .init(offset: offset, length: UInt32(record.count)))
            }
        }
        index.finish()
        return Loaded(index: index, records: records)
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
