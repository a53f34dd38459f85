// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Checks the local clock against a quorum of servers, and the servers against each other.
public struct ClockCheck: Sendable {
    /// What came of one server.
    public struct ServerResult: Sendable {
        public enum Outcome: Sendable {
            /// The answer that says the most, and all that came.
            case answered(best: Exchange, all: [Exchange])
            case failed(ExchangeFailure)
        }

        /// What an answer counted for.
        public enum Role: String, Sendable {
            case agrees, falseticker, tooWide = "too wide", unheard
        }

        public let server: TimeServer
        public let outcome: Outcome
        /// How far the local clock is off by this server; nil without an answer.
        public let interval: ClockQuorum.Interval?
        public internal(set) var role: Role
    }

    public struct Result: Sendable {
        public let judgement: QuorumPolicy.Judgement
        /// All answers with their order; nil when nobody answered.
        public let chain: VerifiedChain?
        /// In the order in which they were asked.
        public let servers: [ServerResult]
        /// Where the chain was kept, or why it could not be.
        public let kept: Swift.Result<String, ChainStore.Failure>?

        /// Whether answers contradict each other although every signature holds.
        public var isMalfeasance: Bool { chain?.isConsistent == false }
    }

    /// More servers are not asked in one check: enough for a majority over any liar, few enough to be quick.
    public static let standardServers = 7

    public var servers: [TimeServer]
    public var policy: QuorumPolicy
    public var client: TimeClient
    /// Keeps the chains; nil to keep none.
    public var store: ChainStore?
    /// How many servers are asked at most.
    public var serverLimit: Int
    /// For all tries of one server.
    public var perServer: Duration

    public init(
        servers: [TimeServer],
        policy: QuorumPolicy = QuorumPolicy(),
        client: TimeClient = TimeClient(),
        store: ChainStore? = nil,
        serverLimit: Int = standardServers,
        perServer: Duration = .seconds(4)
    ) {
        self.servers = servers
        self.policy = policy
        self.client = client
        self.store = store
        self.serverLimit = serverLimit
        self.perServer = perServer
    }

    /// Asks a random selection of the servers in random order, twice, and judges the clock.
    ///
    /// Never throws: servers that do not answer are results, and a clock that cannot be judged is a verdict.
    /// - Parameter deadline: for everything; what was answered by then decides.
    public func run(
        within deadline: Duration = .seconds(60),
        progress: @Sendable (ChainSequence.Progress) -> Void = { _ in }
    ) async -> Result {
        let chosen = Array(ChainSequence.shuffled(servers).prefix(max(serverLimit, 1)))
        let sequence = ChainSequence(client: client, rounds: 2, perServer: perServer)
        let run = await sequence.run(chosen, within: deadline, progress: progress)
        let now = client.clock.read()
        var results = chosen.map { result($0, run, now) }
        let heard = results.indices.filter { results[$0].interval != nil }
        // What the oldest answer says has aged the most.
        let age = run.exchanges.map { now.monotonic - $0.received }.max() ?? 0
        let judgement = policy.judge(heard.compactMap { vote(results[$0]) }, age: max(age, 0))
        for (numbers, role) in [
            (judgement.members, ServerResult.Role.agrees), (judgement.falsetickers, .falseticker),
            (judgement.tooWide, .tooWide),
        ] {
            for number in numbers { results[heard[number]].role = role }
        }
        return Result(
            judgement: judgement,
            // Every link was verified when it came.
            chain: try? VerifiedChain(verifying: run.links, options: client.verification),
            servers: results,
            kept: await keep(run, now)
        )
    }

    private func result(_ server: TimeServer, _ run: ChainRun, _ now: LocalClock.Reading) -> ServerResult {
        let answers = run.exchanges.filter { $0.server == server }
        let intervals = answers.map { $0.interval(now) }
        guard let best = answers.indices.min(by: { intervals[$0].width < intervals[$1].width }) else {
            let failure = run.failures.first { $0.server == server }?.failure
            return ServerResult(
                server: server,
                outcome: .failed(failure ?? .silence(ignored: 0, last: nil)),
                interval: nil,
                role: .unheard
            )
        }
        return ServerResult(
            server: server,
            outcome: .answered(best: answers[best], all: answers),
            interval: intervals[best],
            role: .unheard
        )
    }

    private func vote(_ result: ServerResult) -> QuorumPolicy.Vote? {
        guard case .answered(let best, _) = result.outcome, let interval = result.interval else { return nil }
        return QuorumPolicy.Vote(
            interval: interval,
            radius: best.response.radius,
            operatorName: result.server.operatorName
        )
    }

    private func keep(_ run: ChainRun, _ now: LocalClock.Reading) async -> Swift.Result<String, ChainStore.Failure>? {
        guard let store, !run.exchanges.isEmpty else { return nil }
        do throws(ChainStore.Failure) {
            return .success(try await store.keep(run.links, at: now.unix))
        } catch {
            return .failure(error)
        }
    }
}
