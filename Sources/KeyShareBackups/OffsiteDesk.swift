// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackupContainers
internal import FoundationEssentials
internal import Glibc
internal import KeyShareProtocol
internal import Synchronization

/// Keeps backups of other nodes, which it cannot read.
final class OffsiteDesk: Sendable {
    private let folder: String
    /// Bytes for each node.
    private let quota: Int64
    private let now: @Sendable () -> Date
    /// Files on their way in, by node: one at a time each, so that their quota holds.
    private let arriving = Mutex<Set<String>>([])

    /// No backup is made room for by one that is younger.
    private static let kept: TimeInterval = 7 * 86_400

    init(configuration: BackupConfiguration, now: @escaping @Sendable () -> Date) {
        folder = "\(configuration.directory)/peers"
        quota = configuration.quota
        self.now = now
    }

    /// Takes a file.
    ///
    /// - Throws: `.refused`, `.quota`, `.storage`.
    func accept(
        node: String,
        name: String,
        body: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable
    ) async throws {
        guard quota > 0 else { throw BackupFault(.refused, "This node keeps no copies of others") }
        guard Self.isNode(node) else { throw BackupFault(.refused, "A node's name has letters, digits, '.', '-', '_'") }
        guard let path = DumpPath(name), path.folder == nil, name.hasSuffix(".akb") else {
            throw BackupFault(.refused, "The name of a copy ends in .akb")
        }
        guard arriving.withLock({ $0.insert(node).inserted }) else {
            throw BackupFault(.refused, "Another copy of this node is on its way")
        }
        defer { arriving.withLock { _ = $0.remove(node) } }
        let own = DumpFolder(path: "\(folder)/\(node)")
        try own.prepare()
        own.removeParts()
        try await receive(name, in: own, body)
    }

    private func receive(
        _ name: String,
        in own: DumpFolder,
        _ body: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable
    ) async throws {
        let part = try PartialFile(in: own.path)
        defer { part.discard() }
        var start: [UInt8]? = []
        for try await piece in body {
            guard part.size + Int64(piece.count) <= quota else {
                throw BackupFault(.quota, "The copy is larger than what is kept for a node")
            }
            if let head = start {
                let head = head + piece
                start = try Self.isChecked(head) ? nil : head
            }
            try await part.write(Array(piece))
        }
        guard start == nil else { throw BackupFault(.refused, "A copy is a sealed backup (AKB1)") }
        if let size = Self.size("\(own.path)/\(name)") {
            // The answer to the first time was lost, perhaps.
            guard size == part.size, try await isSame(name, in: own, part) else {
                throw BackupFault(.refused, "There is another copy of this name")
            }
            return
        }
        try makeRoom(for: part.size, in: own)
        try await part.publish(as: name)
    }

    /// Whether the head of a container is there; no file that is not sealed gets further.
    private static func isChecked(_ head: [UInt8]) throws -> Bool {
        do { return try BackupHeader.parse(head) != nil } catch {
            throw BackupFault(.refused, "A copy is a sealed backup (AKB1)")
        }
    }

    private func isSame(_ name: String, in own: DumpFolder, _ part: PartialFile) async throws -> Bool {
        guard let path = DumpPath(name) else { return false }
        let other = try PartialFile(in: own.path)
        defer { other.discard() }
        try await own.open(path).forEachPiece { try await other.write($0) }
        return other.digest == part.digest
    }

    /// Removes the oldest copies of a node that are older than a week, as far as needed.
    private func makeRoom(for size: Int64, in own: DumpFolder) throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: own.path)) ?? []
        var files: [(name: String, size: Int64, at: Date)] = []
        for name in names where DumpPath(name) != nil {
            var status = stat()
            guard lstat("\(own.path)/\(name)", &status) == 0 else { continue }
            files.append((name, Int64(status.st_size), Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))))
        }
        var total = files.reduce(0) { $0 + $1.size }
        for file in files.sorted(by: { $0.at < $1.at }) where total + size > quota {
            guard now().timeIntervalSince(file.at) > Self.kept, own.remove(file.name) else { break }
            total -= file.size
        }
        guard total + size <= quota else {
            throw BackupFault(.quota, "What is kept for this node is full, and its copies are younger than a week")
        }
    }

    private static func size(_ path: String) -> Int64? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    private static func isNode(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
