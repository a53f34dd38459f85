// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import OutboundHTTP

/// Reads directories over HTTP.
public struct RegistryClient: Sendable {
    /// Why a run ended before the directory did.
    public struct Interruption: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// What a run has read.
    public struct Run: Sendable {
        public internal(set) var services: [ListedService] = []
        public internal(set) var skipped: [String: Int] = [:]
        public internal(set) var pages = 0
        /// Set when a page failed: what came before it counts.
        public internal(set) var interruption: Interruption?

        mutating func add(_ page: RegistryPage) {
            services += page.services
            skipped.merge(page.skipped, uniquingKeysWith: +)
            pages += 1
        }
    }

    private let http: OutboundHTTPClient

    public init(_ http: OutboundHTTPClient) { self.http = http }

    /// Pages that are read at most: a directory that never ends is cut off.
    public static let pageLimit = 100

    /// Reads 402index.io, page by page.
    ///
    /// - Parameter base: where it is, such as `https://402index.io`.
    public func index402(_ base: String) async -> Run {
        var run = Run()
        for number in 0..<Self.pageLimit {
            let path = Index402.path(offset: number * Index402.pageSize)
            do {
                let page = try await fetch(base, path, Index402.page)
                let known = Set(run.services)
                let isRepeated = !page.services.isEmpty && page.services.allSatisfy(known.contains)
                run.add(page)
                // A server that ignores the offset would be read for ever.
                if page.rows < Index402.pageSize || isRepeated { return run }
            } catch {
                run.interruption = error
                return run
            }
        }
        return run
    }

    /// Reads l402.directory.
    public func l402Directory(_ base: String) async -> Run {
        var run = Run()
        do {
            run.add(try await fetch(base, L402Directory.path, L402Directory.page))
        } catch {
            run.interruption = error
        }
        return run
    }

    private func fetch(
        _ base: String,
        _ path: String,
        _ read: ([UInt8]) -> RegistryPage?
    ) async throws(Interruption) -> RegistryPage {
        let answer: OutboundAnswer
        do {
            let root = base.hasSuffix("/") ? String(base.dropLast()) : base
            let request = OutboundRequest(
                try OutboundURL(root + path),
                headers: [("Accept", "application/json"), ("User-Agent", "assay")],
                bodyLimit: 1 << 20,
                deadline: .seconds(5)
            )
            answer = try await http.send(request)
        } catch {
            throw Interruption(description: "\(path): \(error)")
        }
        guard answer.status == 200 else { throw Interruption(description: "\(path): status \(answer.status)") }
        guard !answer.isTruncated else { throw Interruption(description: "\(path): more than 1 MiB") }
        guard let page = read(answer.body) else {
            throw Interruption(description: "\(path): no list of services")
        }
        return page
    }
}
