// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import Logging
internal import Metrics
internal import ServiceCatalogue
public import ServiceLifecycle
internal import Synchronization
internal import WatchedFiles

/// Keeps a table of services in step with its file and the files that the file names.
///
/// A version that is wrong in any way changes nothing, is logged, and shows in the gauge `services_reload_ok`.
public final class ServiceFiles: Service {
    /// Why the services could not be taken.
    public struct Unusable: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var watched: [String: WatchedFile] = [:]
        /// What is in force, by path.
        var applied: [String: WatchedFile.Contents] = [:]
        var lastProblem: String?
    }

    private let path: String
    private let table: ServiceTable
    private let interval: Duration
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter interval: the pause between two looks at the files.
    public init(path: String, table: ServiceTable, interval: Duration = .seconds(2), logger: Logger) {
        self.path = path
        self.table = table
        self.interval = interval
        self.logger = logger
    }

    /// Reads the files and puts them in force.
    ///
    /// - Returns: false when they are in force already.
    /// - Throws: ``Unusable`` with everything that is wrong.
    @discardableResult
    public func load() async throws(Unusable) -> Bool {
        do {
            let main = try await contents(path)
            let catalogue = try Catalogue(parsing: main.bytes)
            var found = [path: main]
            for file in Set(catalogue.services.flatMap(\.files)) { found[file] = try await contents(resolved(file)) }
            let read = found
            guard state.withLock({ $0.applied != read }) else { return false }
            try table.use(catalogue, files: read.mapValues(\.bytes))
            state.withLock { state in
                state.applied = read
                state.lastProblem = nil
            }
            Gauge(label: "services_reload_ok").record(1)
            return true
        } catch {
            throw Unusable(description: Self.description(error, path))
        }
    }

    /// Reads the files now, and logs what became of it.
    public func reload() async {
        do throws(Unusable) {
            guard try await load() else { return }
            logger.notice("services in force", metadata: ["proxy.services": "\(table.names.joined(separator: ", "))"])
        } catch {
            Gauge(label: "services_reload_ok").record(0)
            // Told once as long as it stays the same.
            let isNews = state.withLock { state in
                defer { state.lastProblem = error.description }
                return state.lastProblem != error.description
            }
            guard isNews else { return }
            logger.error("the services were not taken; those before stay", metadata: ["error": "\(error)"])
        }
    }

    /// Watches the files until graceful shutdown.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try await Task.sleep(for: self.interval)
                    await self.reload()
                }
            }
        } catch is CancellationError {
            // Shutdown.
        }
    }

    private func contents(_ path: String) async throws -> WatchedFile.Contents {
        let file = state.withLock { state in
            if let known = state.watched[path] { return known }
            let fresh = WatchedFile(path: path, limit: 1 << 20)
            state.watched[path] = fresh
            return fresh
        }
        return try await file.contents(fresh: true)
    }

    /// Paths in the file begin at the file's own directory.
    private func resolved(_ file: String) -> String {
        guard !file.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return file }
        return String(path[...slash]) + file
    }

    private static func description(_ error: any Error, _ path: String) -> String {
        switch error {
        case let catalogue as CatalogueError:
            catalogue.problems.map { "\(path): \($0)" }.joined(separator: "\n")
        case let yaml as any CustomStringConvertible: yaml.description
        default: "\(error)"
        }
    }
}
