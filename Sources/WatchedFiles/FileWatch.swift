// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ServiceLifecycle
internal import Synchronization

/// Tells when a file has changed, by itself every few seconds and at once on demand.
///
/// The file's times, size and inode are compared, so that replacing it by renaming another over it is noticed too.
public final class FileWatch: Service {
    /// The file as it is now, or why it cannot be used.
    public typealias Finding = Result<WatchedFile.Contents, WatchedFile.Unreadable>

    private let file: WatchedFile
    private let interval: Duration
    private let take: @Sendable (Finding) async -> Void
    private let told = Mutex<Finding?>(nil)

    /// Describes a watch; nothing is read yet.
    ///
    /// - Parameters:
    ///   - known: the version that is in use already and need not be told again.
    ///   - interval: the pause between two looks at the file.
    ///   - take: called with each change, one after the other; a problem is told once as long as it stays the same.
    public init(
        _ file: WatchedFile,
        known: WatchedFile.Contents? = nil,
        interval: Duration = .seconds(2),
        take: @escaping @Sendable (Finding) async -> Void
    ) {
        self.file = file
        self.interval = interval
        self.take = take
        told.withLock { $0 = known.map { .success($0) } }
    }

    /// Watches until graceful shutdown.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try await Task.sleep(for: self.interval)
                    await self.look()
                }
            }
        } catch is CancellationError {
            // Shutdown.
        }
    }

    /// Looks at the file now and tells what is found, changed or not.
    public func reload() async { await look(evenIfSame: true) }

    private func look(evenIfSame: Bool = false) async {
        let finding: Finding
        do {
            finding = .success(try await file.contents(fresh: true))
        } catch let unreadable as WatchedFile.Unreadable {
            finding = .failure(unreadable)
        } catch {
            finding = .failure(WatchedFile.Unreadable(description: "\(file.path) cannot be read: \(error)"))
        }
        let isNews = told.withLock { told in
            defer { told = finding }
            return told != finding
        }
        if isNews || evenIfSame { await take(finding) }
    }
}
