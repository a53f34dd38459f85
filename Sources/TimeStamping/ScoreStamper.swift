// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackgroundWork
internal import ByteCoding
internal import Crypto
public import Logging
internal import Metrics
internal import Roughtime
public import ServiceLifecycle
internal import Synchronization
public import TimeArchive

/// Stamps the scores that have changed, all with one exchange, again and again.
///
/// Of several processes only one stamps at a time; the others find that it has been done.
public final class ScoreStamper: Service, Sendable {
    /// Documents in one stamp; what is left over is stamped the next time.
    public static let maximumScores = 65_536
    /// A score that has not changed for so long is stamped again all the same, so that its proof does not get old.
    public static let renewal = Duration.seconds(86_400)

    /// What came of one round.
    public enum Outcome: Sendable, Equatable {
        case stamped(Int)
        /// No score has changed.
        case unchanged
        /// Another process has just stamped them, or does so now.
        case elsewhere
        /// The scores are not loaded yet.
        case notReady
    }

    private let stamper: Stamper
    private let archive: ScoreArchive
    private let source: ScoreSource
    private let interval: Duration
    private let logger: Logger
    private let executor = BackgroundExecutor(label: "score-stamps")
    private let state = Mutex(State())

    private struct State {
        /// The edition that was stamped completely, and when.
        var done: (version: Int64, at: ContinuousClock.Instant)?
        var isFailing = false
    }

    /// Makes a service.
    ///
    /// - Parameter interval: from one round to the next, more than zero.
    public init(
        stamper: Stamper,
        archive: ScoreArchive,
        source: ScoreSource,
        interval: Duration = .seconds(60),
        logger: Logger
    ) {
        self.stamper = stamper
        self.archive = archive
        self.source = source
        self.interval = interval
        self.logger = logger
    }

    /// Stamps until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // The first scores are worth waiting for.
                if self.source.newest() != nil { await self.round() }
                let wait = self.source.newest() == nil ? min(self.interval, .seconds(1)) : self.interval
                try? await Task.sleep(for: wait)
            }
        }
    }

    private func round() async {
        do {
            let outcome = try await stamp()
            if case .stamped(let count) = outcome {
                Self.count("ok")
                Gauge(label: "time_stamped_scores").record(count)
                logger.debug("scores stamped", metadata: ["time.scores": "\(count)"])
            }
            let wasFailing = state.withLock { state in
                defer { state.isFailing = false }
                return state.isFailing
            }
            if wasFailing { logger.notice("scores are stamped again") }
        } catch {
            guard !Task.isCancelled else { return }
            Self.count("failed")
            let wasFailing = state.withLock { state in
                defer { state.isFailing = true }
                return state.isFailing
            }
            // A time server that is away for hours needs no line a minute.
            logger.log(
                level: wasFailing ? .debug : .warning,
                "the scores were not stamped",
                metadata: ["error": "\(error)"]
            )
        }
        if let latest = try? await archive.latest() { Gauge(label: "time_stamp_age_seconds").record(latest.age) }
    }

    private static func count(_ result: String) {
        Counter(label: "time_stamps_total", dimensions: [("kind", "scores"), ("result", result)]).increment()
    }

    /// Stamps what has changed since the last time, once.
    public func stamp() async throws -> Outcome {
        guard let edition = source.newest() else { return .notReady }
        let started = ContinuousClock.now
        if let done = state.withLock({ $0.done }), done.version == edition.version,
            started - done.at < Self.renewal / 2
        {
            return .unchanged
        }
        // Writing and hashing tens of thousands of documents must not hold up answers.
        let outcome = try await withTaskExecutorPreference(executor) {
            try await archive.withTurn { try await stamp(edition, in: $0) }
        }
        switch outcome {
        // What was left over is for the next round.
        case .stamped(Self.maximumScores)?: break
        case .stamped?, .unchanged?: state.withLock { $0.done = (edition.version, started) }
        default: break
        }
        return outcome ?? .elsewhere
    }

    private func stamp(_ edition: ScoreSource.Edition, in turn: ScoreArchive.Turn) async throws -> Outcome {
        let latest = try await turn.latest()
        if let latest, latest.age < interval / .seconds(1) / 2 { return .elsewhere }
        let known = try await turn.contents(youngerThan: Self.renewal)
        var changed: [(score: StampableScore, content: [UInt8])] = []
        for score in edition.scores() where changed.count < Self.maximumScores {
            let content = Array(SHA256.hash(data: try score.content()))
            if known[score.node] != content { changed.append((score, content)) }
        }
        guard !changed.isEmpty else { return .unchanged }
        let after = try await recentAnswer(latest)
        let name = Hex.encode(Array(SHA256.hash(data: after)))
        let documents = try changed.map { try $0.score.document(name) }
        let tree = TimeProof.tree(of: documents.map { Array(SHA256.hash(data: $0)) })
        let stamp = try await stamper.stamp(root: tree.root)
        let scores = changed.indices.map { index in
            ArchivedScore(
                node: changed[index].score.node,
                content: changed[index].content,
                document: documents[index],
                branch: TimeProof.Branch(index: UInt32(index), path: tree.path(of: index))
            )
        }
        try await turn.keep(salt: stamp.salt, root: tree.root, chain: stamp.chain, after: after, scores: scores)
        return .stamped(scores.count)
    }

    /// An answer that the documents can name: that of the stamp before, or a fresh one when that is old.
    private func recentAnswer(_ latest: ScoreArchive.Latest?) async throws -> [UInt8] {
        if let latest, latest.age < 2 * (interval / .seconds(1)) { return latest.response }
        return try await stamper.answerNow()
    }
}
