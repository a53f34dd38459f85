// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOPosix
internal import Synchronization

/// A file whose contents are read again when it changes; looked at once a second at most, off the cooperative threads.
public final class WatchedFile: Sendable {
    /// Why the file cannot be used; names the path, never the contents.
    public struct Unreadable: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// What tells one version of a file from another.
    private struct Stamp: Hashable {
        let modified: Date?
        let inode: UInt64
        let size: UInt64
    }

    /// One version of the file.
    public struct Contents: Sendable, Hashable {
        public let bytes: [UInt8]
        /// Rises by one with every change.
        public let generation: Int
    }

    private struct State {
        var contents: Contents?
        var stamp: Stamp?
        var checkedAt: ContinuousClock.Instant?
    }

    public let path: String
    private let limit: Int
    private let state = Mutex(State())

    /// Names a file, which is not read yet.
    ///
    /// - Parameter limit: bytes the file may have, at most.
    public init(path: String, limit: Int) {
        self.path = path
        self.limit = limit
    }

    /// The present contents.
    /// - Parameter fresh: look at the file even if it was looked at within the last second.
    /// - Throws: ``Unreadable`` when the file is missing, empty, too large or not ours to read.
    public func contents(fresh: Bool = false) async throws -> Contents {
        let known = state.withLock { state -> Contents? in
            guard !fresh, let checkedAt = state.checkedAt, .now - checkedAt < .seconds(1) else { return nil }
            return state.contents
        }
        if let known { return known }
        return try await NIOThreadPool.singleton.runIfActive { try self.reload() }
    }

    private func reload() throws -> Contents {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
            throw Unreadable(description: "\(path) does not exist or cannot be read")
        }
        let stamp = Stamp(
            modified: attributes[.modificationDate] as? Date,
            inode: (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0,
            size: (attributes[.size] as? NSNumber)?.uint64Value ?? 0
        )
        if let same = state.withLock({ state -> Contents? in
            guard state.stamp == stamp else { return nil }
            state.checkedAt = .now
            return state.contents
        }) {
            return same
        }
        guard stamp.size <= UInt64(limit), let data = FileManager.default.contents(atPath: path), !data.isEmpty else {
            throw Unreadable(description: "\(path) is empty, larger than \(limit) bytes, or cannot be read")
        }
        return state.withLock { state in
            let contents = Contents(bytes: Array(data), generation: (state.contents?.generation ?? 0) + 1)
            state.contents = contents
            state.stamp = stamp
            state.checkedAt = .now
            return contents
        }
    }
}
