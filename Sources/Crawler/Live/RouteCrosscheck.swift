// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningGraph
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import Postgres

/// Asks a route finder about random targets and compares its answers with our own sweep over the same graph.
struct RouteCrosscheck: Sendable {
    /// Where the two differ.
    struct Difference: Sendable, Hashable, Codable {
        let target: String
        let sat: Int64
        let ours: RouteFinding
        let theirs: RouteFinding
    }

    struct Outcome: Sendable {
        var asked = 0
        var determinate = 0
        var agreed = 0
        var source: NodeID
        var differences: [Difference] = []

        /// 0 to 1; `nil` when too few answers mean something.
        var ratio: Double? { determinate >= 10 ? Double(agreed) / Double(determinate) : nil }
    }

    /// Targets a run asks about.
    static let targets = 50

    let graph: ChannelGraph
    let own: NodeID
    let options: PassOptions

    /// Fees a route may cost: 5 %, and not less than 10,000 sat, so that hardly a route fails for its price.
    static func feeLimit(sat: Int64) -> MilliSatoshi { .sat(max(10_000, sat / 20)) }

    /// Asks one question after the other.
    ///
    /// - Precondition: the graph has a channel.
    func run(_ finder: some RouteFinder, using random: inout some RandomNumberGenerator, now: Int64) async throws
        -> Outcome
    {
        let view = GraphView(graph, now: now)
        let vantage = Vantage(graph: graph, facts: view.facts, own: own, options: options)
        let source = graph.nodes[vantage.source].id
        let sweep = PathSweep(graph, adjacency: view.adjacency)
        let reach = PassOptions.tiers.map { sweep.paths(from: vantage.source, amount: .sat($0)) }
        let candidates = graph.nodes.indices.filter { $0 != vantage.source && view.facts[$0].liveCapacitySat > 0 }
        var outcome = Outcome(source: source)
        for (number, target) in candidates.shuffled(using: &random).prefix(Self.targets).enumerated() {
            try Task.checkCancellation()
            let tier = number % PassOptions.tiers.count
            let sat = PassOptions.tiers[tier]
            let limit = Self.feeLimit(sat: sat)
            let path = reach[tier][target]
            let ours: RouteFinding = path.map { $0.fee <= limit && $0.hops <= 20 } == true ? .found : .none
            let theirs = await finder.find(
                from: vantage.isOwnNode ? nil : source,
                to: graph.nodes[target].id,
                amount: .sat(sat),
                feeLimit: limit
            )
            outcome.asked += 1
            guard theirs != .unknown else { continue }
            outcome.determinate += 1
            if ours == theirs {
                outcome.agreed += 1
            } else {
                let name = graph.nodes[target].id.hex
                outcome.differences.append(Difference(target: name, sat: sat, ours: ours, theirs: theirs))
            }
        }
        return outcome
    }
}

extension Job {
    /// Compares our path-finding with the node's for 50 random targets; needs a graph in memory.
    public static func routeCrosscheck<Source: GraphUpdateSource>(
        _ live: LiveGraph<Source>,
        follower: GraphFollower<Source>,
        finder: some RouteFinder,
        options: PassOptions = PassOptions(),
        interval: Duration = .seconds(3600)
    ) -> Job {
        let insert = Statement(
            "crosscheck.insert",
            """
            INSERT INTO route_crosschecks (asked, determinate, agreed, source, differences) VALUES ($1, $2, $3, $4, $5)
            """
        )
        return Job(
            name: "route_crosscheck",
            interval: interval,
            timeout: .seconds(300),
            mayRun: { follower.isLeader && follower.hasGraph }
        ) { context in
            guard let (graph, own) = await live.current() else { return }
            let check = RouteCrosscheck(graph: graph, own: own, options: options)
            var random = SystemRandomNumberGenerator()
            let outcome = try await check.run(finder, using: &random, now: Int64(Date().timeIntervalSince1970))
            let differences = String(decoding: try JSONEncoder().encode(outcome.differences), as: UTF8.self)
            try await context.session.execute(
                insert,
                [
                    .int4(Int32(outcome.asked)), .int4(Int32(outcome.determinate)), .int4(Int32(outcome.agreed)),
                    .bytea(outcome.source.bytes), .jsonb(differences),
                ]
            )
            if let ratio = outcome.ratio { Gauge(label: "pathfind_agreement_ratio").record(ratio) }
            context.logger.info(
                "routes compared",
                metadata: ["routes.determinate": "\(outcome.determinate)", "routes.agreed": "\(outcome.agreed)"]
            )
        }
    }
}
