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

    /// The graph as it is now; a search keeps the state it began with.
    private final class Shared: Sendable {
        let index: Mutex<GraphIndex>
        let records: RecordFile

        init(index: GraphIndex, records: RecordFile) {
            self.index = Mutex(index)
            self.records = records
        }

        var snapshot: Loaded { Loaded(index: index.withLock { $0 }, records: records) }
    }

    private static let chunk = 256 << 10

    private let source: Source
    private let directory: String
    private let loaded = Readiness<Shared>()
    /// What ``loaded`` becomes, for those who do not wait.
    private let current = Mutex<Shared?>(nil)
    /// Tells subscribers what changes.
    let feed = GraphFeed()
    private let isLoading = Mutex(false)

    /// - Parameter directory: where the records are kept, in a file without a name.
    init(source: Source, directory: String) {
        self.source = source
        self.directory = directory
    }

    /// Opens the graph's JSON; blocks.
    func open() throws -> any ByteSource {
        if let loaded = current.withLock(\.self)?.snapshot, loaded.index.isChanged { return RecordBytes(loaded) }
        switch source {
        case .file(let path): return FileBytes(try GzipReader(path: path, chunkSize: Self.chunk))
        case .document(let json): return ListedBytes(json)
        }
    }

    /// Looks something up on a thread that may block; the first call waits until the graph has been read.
    func search<Found: Sendable>(_ look: @escaping @Sendable (Loaded) throws -> Found) async throws -> Found {
        startLoading()
        let shared = try await loaded.value
        return try await NIOThreadPool.singleton.runIfActive { try look(shared.snapshot) }
    }

    /// Lets the graph change, and tells the subscribers of every node.
    func change(_ change: GraphChange) async throws {
        startLoading()
        let shared = try await loaded.value
        try await NIOThreadPool.singleton.runIfActive {
            try shared.index.withLock { try change.apply(to: &$0, shared.records) }
        }
        feed.publish(change.json)
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
            let outcome = Result { try load() }
            if case .success(let shared) = outcome { current.withLock { $0 = shared } }
            loaded.resolve(outcome)
        }
    }

    private func load() throws -> Shared {
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
        return Shared(index: index, records: records)
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
