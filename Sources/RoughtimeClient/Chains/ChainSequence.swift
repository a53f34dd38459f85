// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// What a sequence of questions brought.
public struct ChainRun: Sendable {
    /// In the order of the answers.
    public internal(set) var exchanges: [Exchange] = []
    /// Servers that did not answer, with the reason.
    public internal(set) var failures: [(server: TimeServer, failure: ExchangeFailure)] = []

    public var links: [ChainLink] { exchanges.map(\.link) }
}

/// Asks servers one after the other, each nonce made of the answer before (RFC 10049, section 8.3).
///
/// Whoever sees the chain knows the order of the answers, so a server that states a wrong time convicts itself.
public struct ChainSequence: Sendable {
    /// What to tell somebody who waits.
    public enum Progress: Sendable {
        case asking(TimeServer, round: Int)
        case answered(Exchange)
        case failed(TimeServer, ExchangeFailure)
    }

    public let client: TimeClient
    /// How often the same sequence is gone through; twice, so that the first server is checked against the last.
    public var rounds: Int
    /// For all tries of one server.
    public var perServer: Duration
    /// Stops after so many servers answered; nil for all.
    public var enough: Int?

    public init(
        client: TimeClient = TimeClient(),
        rounds: Int = 2,
        perServer: Duration = .seconds(5),
        enough: Int? = nil
    ) {
        self.client = client
        self.rounds = rounds
        self.perServer = perServer
        self.enough = enough
    }

    /// Asks the servers in the order given.
    ///
    /// A server that does not answer in the first round is left out of the second.
    /// - Parameters:
    ///   - previous: exchanges that the chain goes on from.
    ///   - firstNonce: the nonce to begin with, for proofs; servers that need one of another length are left out.
    ///   - limit: for the whole sequence; what was answered by then is returned.
    public func run(
        _ servers: [TimeServer],
        after previous: [ChainLink] = [],
        firstNonce: [UInt8]? = nil,
        within limit: Duration = .seconds(60),
        progress: @Sendable (Progress) -> Void = { _ in }
    ) async -> ChainRun {
        let deadline = ContinuousClock.now + limit
        var run = ChainRun()
        var last = previous.last?.response
        var sequence = servers
        for round in 0..<max(rounds, 1) {
            var answering: [TimeServer] = []
            for server in sequence {
                let rest = min(deadline - .now, perServer)
                guard rest > .zero, !Task.isCancelled, answering.count < enough ?? .max else { break }
                progress(.asking(server, round: round + 1))
                let before = last
                do throws(ExchangeFailure) {
                    if before == nil, let firstNonce, !Self.fits(server, firstNonce) { throw .nothingToOffer }
                    let exchange = try await client.ask(server, within: rest) { length in
                        if let before { return .following(before, length: length) }
                        return firstNonce.map { Nonce(bytes: $0) } ?? .random(length: length)
                    }
                    last = exchange.link.response
                    answering.append(server)
                    run.exchanges.append(exchange)
                    progress(.answered(exchange))
                } catch {
                    run.failures.append((server, error))
                    progress(.failed(server, error))
                }
            }
            sequence = answering
        }
        return run
    }

    private static func fits(_ server: TimeServer, _ nonce: [UInt8]) -> Bool {
        server.offers.versions(attempt: 0).first.flatMap(Profile.of)?.nonceLength == nonce.count
    }

    /// The servers in random order, one of every operator before the second of any.
    static func shuffled(_ servers: [TimeServer]) -> [TimeServer] {
        var seen: Set<String> = []
        var (firsts, others): ([TimeServer], [TimeServer]) = ([], [])
        for server in servers.shuffled() {
            if seen.insert(server.operatorName).inserted { firsts.append(server) } else { others.append(server) }
        }
        return firsts + others
    }
}
