// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Crawler
import EmbeddedPostgres
import Foundation
import Gateway
import HTTPTypes
import LND
import LightningPrimitives
import Logging
import Migrations
import Postgres
import ServiceLifecycle
import Settings
import Synchronization

/// Reads the graph and scores it, again and again.
struct CrawlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crawl",
        abstract: "Read the Lightning graph from LND, score every node, write the scores; by timetable.",
        discussion: """
            Needs LND_REST_URL, LND_TLS_CERT_PATH, LND_MACAROON_PATH (info:read) and DATABASE_URL (or a private database). \
            Waits up to a minute for 'assay serve' or 'assay migrate' to bring the schema up to date. \
            Metrics and health: http://127.0.0.1:CRAWLER_METRICS_PORT/metrics and /healthz.

              assay crawl            run by the timetable in the table 'jobs' until stopped
              assay crawl --once     one pass, with the time of every step, then exit
            """
    )

    @Flag(help: "Run one graph pass, print the time of every step, and exit.")
    var once = false

    @Option(help: .hidden)
    var parent: Int32?

    private static func wait(for path: String?, atMost limit: Duration) async {
        guard let path else { return }
        let end = ContinuousClock.now + limit
        while !FileManager.default.fileExists(atPath: path), ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    func run() async throws {
        let settings = try Settings.load()
        let logger = Logs.start("assay.crawl", level: Logs.level(settings))
        let registry = MetricsSetup.start(settings)
        // Beside a sandbox that is only just making its files, a failed first pass would cost half a minute.
        if parent != nil { await Self.wait(for: settings.text(.readonlyMacaroon), atMost: .seconds(30)) }
        let breakers = LNDBreakers()
        let lnd = try LNDClient.configured(settings, macaroon: .readonlyMacaroon, breakers: breakers, logger: logger)
        let database = try await Database.open(settings, logger: logger)
        let client = try await database.client(
            application: "assay-crawl",
            connections: settings.integer(.crawlerConnections) ?? 4,
            // One for every job that may run at a time, and two for following the graph.
            sessions: 16,
            settings: settings,
            logger: logger
        )
        // A private database has no other migrator.
        if database.server != nil { _ = try await Database.migrate(client, logger: logger) }
        do {
            try await Migrator(client: client, logger: logger).waitUntilMigrated(timeout: .seconds(60))
        } catch {
            throw Failure(Failure.unavailable, "\(error); run 'assay migrate' or start 'assay serve'")
        }
        let source = LNDGraphSource(lnd: lnd)
        let options = try options(settings)
        if once {
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await runOnce(GraphPass(source, options: options), client))
            } catch let error as Failure {
                outcome = .failure(error)
            } catch {
                outcome = .failure(Failure(Failure.unavailable, "the pass was not made: \(error)"))
            }
            await client.shutDown()
            await lnd.shutdown()
            await database.server?.stop()
            return try outcome.get()
        }
        let state = CrawlState()
        let owner = "\(ProcessInfo.processInfo.hostName):\(getpid())"
        let probing = try ProbingWiring(settings, lnd: lnd, breakers: breakers, client, owner: owner, logger: logger)
        let live = LiveGraph(source, options: options)
        let follower = GraphFollower(
            live,
            source: source,
            client: client,
            options: Self.followOptions(settings),
            logger: logger
        ) { state.note($0) }
        let scheduler = JobScheduler(
            [
                .graphResync(
                    live,
                    follower: follower,
                    interval: .milliseconds(settings.integer(.graphInterval) ?? 21_600_000),
                    progress: { state.note($0) },
                    finished: { state.note($0) }
                ),
                .routeCrosscheck(live, follower: follower, finder: LNDRouteFinder(lnd: lnd), options: options),
                .staleSweep(),
            ]
                + Job.evidence(
                    client,
                    calibrationInterval: .milliseconds(settings.integer(.calibrationInterval) ?? 3_600_000)
                ) + probing.jobs
                + (try SigningKeys.oracle(settings, logger: logger).map { [.scoreAttestation($0)] } ?? []),
            client: client,
            owner: owner,
            logger: logger
        )
        var server = GatewayConfiguration()
        server.port = settings.integer(.crawlerMetricsPort) ?? 9091
        let routes = [APIRoute.metrics(registry, access: MetricsSetup.access(settings)), state.route(scheduler)]
        let http = GatewayServer(configuration: server, routes: routes, gate: nil, logger: logger)
        let services: [any Service] =
            (database.server.map { [$0] } ?? []) + [client, http, LNDWatch([(.read, lnd)]), follower, scheduler]
            + [RouteMeanings(lnd: lnd, live: live, client: client, logger: logger)] + probing.services
        try await Services.run(services, parent: parent, logger: logger)
        await probing.shutdown()
        await lnd.shutdown()
    }

    private static func followOptions(_ settings: Settings) -> FollowOptions {
        var options = FollowOptions()
        options.window = .milliseconds(settings.integer(.graphDeltaWindow) ?? 1000)
        options.spacing = .milliseconds(settings.integer(.graphDeltaSpacing) ?? 1000)
        return options
    }

    private func options(_ settings: Settings) throws -> PassOptions {
        guard let text = settings.text(.pathSource) else { return PassOptions() }
        guard let node = NodeID(hex: text) else {
            throw Failure(Failure.configuration, "\(Setting.pathSource.name) is not a public key of 66 hex digits")
        }
        return PassOptions(fallbackSource: node)
    }

    private func runOnce(_ pass: GraphPass<LNDGraphSource>, _ client: PostgresClient) async throws {
        let state = CrawlState()
        let report = try await client.withConnection { session in
            try await pass.run(session) { progress in
                if let text = state.note(progress) { Terminal.note(text) }
            }
        }
        print(CrawlState.table(report))
    }
}

/// How far the crawler has come, for /healthz and for people.
final class CrawlState: Sendable {
    private let text = Mutex<String?>(nil)

    /// Takes note of progress; returns a line when there is something new to show.
    @discardableResult
    func note(_ progress: PassProgress) -> String? {
        let line =
            switch progress.phase {
            case "graph": "reading the graph, \(progress.done / 10_485_760 * 10) MB"
            case "store": "writing nodes, channels and policies"
            case "score": "ranking, finding paths and scoring"
            case "write": "writing scores"
            default: progress.phase
            }
        return text.withLock { text in
            guard text != line else { return nil }
            text = line
            return line
        }
    }

    /// Takes note of a pass that ended.
    func note(_ report: PassReport) {
        let milliseconds = Int(report.duration / .milliseconds(1))
        let line = "\(report.nodes) nodes and \(report.channels) channels scored in \(milliseconds) ms"
        text.withLock { $0 = line }
    }

    /// The crawler's health answer: 503 when the scheduler has not looked for jobs for a minute.
    func route(_ scheduler: JobScheduler) -> APIRoute {
        struct Answer: Encodable {
            let status: String
            let pass: String?
            let schedulerTickAgeSec: Int64
        }
        return APIRoute(
            .get,
            "/healthz",
            limiter: .unlimited,
            documentation: RouteDocumentation("Whether the crawler is alive, and what it does"),
            access: .free { _ in
                let age = scheduler.lookAge
                let isStuck = age > .seconds(60)
                let answer = Answer(
                    status: isStuck ? "stuck" : "ok",
                    pass: self.text.withLock { $0 },
                    schedulerTickAgeSec: age.components.seconds
                )
                return try APIResponse.json(answer, status: isStuck ? .serviceUnavailable : .ok)
            }
        )
    }

    /// The time of every step, as a table.
    static func table(_ report: PassReport) -> String {
        func milliseconds(_ duration: Duration) -> String {
            let tenths = Int((duration / .microseconds(100)).rounded())
            let text = "\(tenths / 10).\(tenths % 10)"
            return String(repeating: " ", count: max(0, 10 - text.count)) + text
        }
        var lines = report.steps.map { step in
            step.step.rawValue.padding(toLength: 12, withPad: " ", startingAt: 0) + milliseconds(step.duration) + " ms"
        }
        lines.append("total       " + milliseconds(report.duration) + " ms")
        lines.append("")
        lines.append("\(report.nodes) nodes, \(report.channels) channels, \(report.changes.total) rows changed")
        let own = report.isSourceOwnNode ? "our own node" : "the best connected node; ours has no public channel"
        lines.append("paths start at \(report.source) (\(own))")
        for (tier, count) in report.reachable.sorted(by: { $0.key < $1.key }) {
            lines.append("reachable with \(tier) sat: \(count) nodes")
        }
        if let peak = peakMemory { lines.append("peak memory: \(peak)") }
        return lines.joined(separator: "\n")
    }

    private static var peakMemory: String? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return "\(kilobytes / 1024) MB"
    }
}
