// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import Roughtime
import RoughtimeClient
import Synchronization

extension TimeCommand {
    /// Asks servers for the time.
    struct Query: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask one server, or every server of a list, and show what it signed.",
            discussion: """
                Every answer is verified: signatures, delegation, nonce, tree and times. Answers that do not hold are \
                ignored, and so are strays; a server that only sends such is silent. After two silences on UDP, TCP is \
                tried where the list has it.

                Offset is what would have to be added to this machine's clock, seen from this server alone: use \
                'assay time check' to judge the clock. Flags: downgraded (a better version was common to both), legacy \
                (version 1 signed in the words of the drafts), mirrored (a tree in the other order of children).

                Exit codes: 0 at least one server answered; 69 none did; 64 usage.
                """
        )

        enum Transport: String, ExpressibleByArgument, CaseIterable { case udp, tcp, http }

        @Argument(help: "HOST:PORT, a URL, or the name of a server in the list. Without it the whole list.")
        var server: String?

        @Option(help: "The server's long-term public key, or a file with it; not needed for servers of the list.")
        var key: String?

        @Option(help: "Only this transport: udp, tcp or http (POST /roughtime).")
        var transport: Transport?

        @Option(
            help: """
                Versions to offer, e.g. '1,draft-12' or 'all'. Drafts 01 to 04 and google need requests of their own, \
                so 'all' asks three times.
                """
        )
        var versions: String?

        @Option(help: "Seconds to wait for a server, all tries together.")
        var timeout = 5.0

        @Option(help: "How many times to ask each server.")
        var count = 1

        @OptionGroup var options: ServerOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let patience = try TimeCommand.seconds(timeout, "--timeout", in: 0.1...3600)
            guard (1...10_000).contains(count) else { throw ValidationError("--count is 1 to 10000") }
            let questions = try targets().flatMap { server in
                try offers(server).map { offers in
                    var server = server
                    server.offers = offers
                    return server
                }
            }
            if questions.count > 1, !json { Terminal.note("Asking \(questions.count) times …") }
            let client = options.client
            var answers: [TimeAnswer] = []
            for _ in 0..<count {
                let round = await Self.ask(questions, client, patience)
                let now = client.clock.read()
                answers += zip(questions, round).map { TimeAnswer($0, $1, now) }
            }
            if json { try Terminal.say(json: ["answers": answers]) } else { TimeAnswer.say(answers) }
            guard answers.contains(where: { $0.error == nil }) else { throw ExitCode(Failure.unavailable) }
        }

        /// Asks several at a time; answers come back in the order of the questions.
        private static func ask(
            _ servers: [TimeServer],
            _ client: TimeClient,
            _ patience: Duration
        ) async -> [Result<Exchange, ExchangeFailure>] {
            // Results go into a place of their own each: a group that hands over tuples of this size, some of them made
            // from typed errors, mixes up their fields in optimised builds of Swift 6.3.
            let answers = Answers()
            await withTaskGroup(of: Void.self) { group in
                for (index, server) in servers.enumerated() {
                    if index >= 16 { await group.next() }
                    group.addTask {
                        let result = await client.result(of: server, within: patience)
                        answers.results.withLock { $0[index] = result }
                    }
                }
            }
            return answers.results.withLock { results in servers.indices.map { results[$0] ?? .failure(.noEndpoint) } }
        }

        private func offers(_ server: TimeServer) throws -> [VersionOffers] {
            guard let versions else { return [server.offers] }
            return VersionOffers.forms(of: try TimeCommand.versions(versions)).map { .fixed($0) }
        }

        private func targets() throws -> [TimeServer] {
            let list = try options.servers().servers
            guard let text = server else { return try list.map { try limited(TimeServer($0), "") } }
            if let named = try named(text, list) { return [try limited(named, text)] }
            guard let key else {
                throw ValidationError(
                    "'\(text)' is no server of the list: give its long-term public key with --key, as its operator published it"
                )
            }
            return [
                TimeServer(
                    name: text,
                    publicKey: try RoughtimeCommand.publicKey(key),
                    endpoints: try endpoints(text)
                )
            ]
        }

        /// A server of the list by its name or one of its addresses, unless a key says that another one is meant.
        private func named(_ text: String, _ list: [ServerEntry]) throws -> TimeServer? {
            guard key == nil else { return nil }
            let matches = list.filter { entry in
                entry.name.lowercased() == text.lowercased()
                    || entry.addresses.contains { HostPort.join($0.host, $0.port) == text || $0.host == text }
            }
            guard matches.count <= 1 else {
                throw ValidationError("\(matches.count) servers of the list are '\(text)'")
            }
            return matches.first.map { TimeServer($0) }
        }

        private func limited(_ server: TimeServer, _ text: String) throws -> TimeServer {
            guard let transport else { return server }
            var server = server
            server.endpoints = server.endpoints.filter { $0.transport == transport.rawValue }
            return server
        }

        private func endpoints(_ text: String) throws -> [Endpoint] {
            if text.hasPrefix("https://") || text.hasPrefix("http://") {
                guard transport ?? .http == .http else { throw ValidationError("a URL is asked by HTTP") }
                let hasPath = URLComponents(string: text).map { !["", "/"].contains($0.path) } ?? true
                return [.http(hasPath ? text : text.trimmingSuffix("/") + "/roughtime")]
            }
            guard let (host, port) = HostPort.split(text), port > 0 else {
                throw ValidationError("'\(text)' is neither HOST:PORT, with an IPv6 address in brackets, nor a URL")
            }
            switch transport {
            case .udp, nil: return [.udp(host: host, port: port)]
            case .tcp: return [.tcp(host: host, port: port)]
            case .http: return [.http("https://\(HostPort.join(host, port))/roughtime")]
            }
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

/// What came of asking one server, for people and programs.
struct TimeAnswer: Encodable {
    let server: String
    let publicKey: String
    var error: String?
    var endpoint: String?
    var transport: String?
    var version: String?
    var tries: Int?
    var roundTripMicroseconds: Int64?
    var midpointMicroseconds: Int64?
    var radiusMicroseconds: Int64?
    /// What would have to be added to this machine's clock, at least and at most.
    var offsetLowMicroseconds: Int64?
    var offsetHighMicroseconds: Int64?
    var serverVersions: [String]?
    var downgraded: Bool?
    var legacyContext: Bool?
    var mirrored: Bool?
    var treeDepth: Int?
    /// What the answer counted for in a check.
    var role: String?

    init(_ server: TimeServer, _ result: Result<Exchange, ExchangeFailure>, _ now: LocalClock.Reading) {
        self.server = server.name
        publicKey = Base64.encode(server.publicKey)
        switch result {
        case .failure(let failure): error = "\(failure)"
        case .success(let exchange):
            let (response, interval) = (exchange.response, exchange.interval(now))
            endpoint = "\(exchange.endpoint)"
            transport = exchange.endpoint.transport
            version = "\(response.version)"
            tries = exchange.tries
            roundTripMicroseconds = exchange.roundTrip
            midpointMicroseconds = Int64(clamping: response.midpoint)
            radiusMicroseconds = response.radius
            offsetLowMicroseconds = Int64(clamping: interval.low)
            offsetHighMicroseconds = Int64(clamping: interval.high)
            serverVersions = response.serverVersions.isEmpty ? nil : response.serverVersions.map(\.description)
            downgraded = response.isDowngraded
            legacyContext = response.usesDraftContext
            mirrored = response.order == .mirrored
            treeDepth = response.depth
        }
    }

    private var flags: String {
        let flags = [(downgraded, "downgraded"), (legacyContext, "legacy"), (mirrored, "mirrored")]
        return (flags.filter { $0.0 == true }.map(\.1) + [role].compactMap { $0 }).joined(separator: ", ")
    }

    /// Shows a table of those who answered, and the others with their reasons.
    static func say(_ answers: [TimeAnswer]) {
        let rows = answers.compactMap(\.row)
        if !rows.isEmpty {
            Terminal.table([["SERVER", "VERSION", "VIA", "ROUND TRIP", "OFFSET", "RADIUS", "TIME", "FLAGS"]] + rows)
        }
        for answer in answers {
            if let error = answer.error { Terminal.say("\(answer.server): \(error)") }
        }
    }

    private var row: [String]? {
        guard let version, let transport, let roundTripMicroseconds, let midpointMicroseconds, let radiusMicroseconds,
            let offsetLowMicroseconds, let offsetHighMicroseconds
        else { return nil }
        let middle = (Int128(offsetLowMicroseconds) + Int128(offsetHighMicroseconds)) / 2
        return [
            server, version, transport, TimeText.span(Int128(roundTripMicroseconds)),
            TimeText.span(middle, signed: true), TimeText.span(Int128(radiusMicroseconds)),
            TimeText.utc(Int128(midpointMicroseconds)), flags,
        ]
    }
}

/// What each question led to.
private final class Answers: Sendable {
    let results = Mutex([Int: Result<Exchange, ExchangeFailure>]())
}

extension TimeClient {
    fileprivate func result(of server: TimeServer, within limit: Duration) async -> Result<Exchange, ExchangeFailure> {
        do throws(ExchangeFailure) {
            return .success(try await ask(server, within: limit))
        } catch {
            return .failure(error)
        }
    }
}
