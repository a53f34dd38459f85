// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Roughtime
import RoughtimeClient

extension TimeCommand {
    /// Judges this machine's clock.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check this machine's clock against a quorum of servers, and the servers against each other.",
            discussion: """
                Asks servers of different operators in random order, the same sequence twice, each question made of the \
                answer before. A majority must agree on how far the clock is off; nothing is averaged, so one liar \
                changes nothing. The chain of answers is kept in --state: it is the proof if a server lied.

                Exit codes: 0 in sync; 3 out of sync; 4 no quorum, the clock is not judged; 5 servers contradict each \
                other, a report was written (send it with 'assay time report'); 64 usage.
                """
        )

        @OptionGroup var options: ServerOptions

        @Option(help: "Answers with a larger radius do not vote, in seconds.")
        var maxRadius = 60.0

        @Option(help: "How far the clock may be off beyond what the servers leave open, in seconds.")
        var tolerance = 10.0

        @Option(help: "How many different operators must agree; servers of one domain have one operator.")
        var operators = 3

        @Option(help: "How many servers are asked at most.")
        var servers = ClockCheck.standardServers

        @Option(help: "Seconds for everything.")
        var timeout = 60.0

        @Option(help: "The directory that keeps the last 1000 chains.")
        var state: String?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Answer: Encodable {
            let verdict: String
            let reason: String?
            let offsetMicroseconds: Int64?
            let offsetLowMicroseconds: Int64?
            let offsetHighMicroseconds: Int64?
            let servers: [TimeAnswer]
            let chainLength: Int
            let contradictions: Int
            let suspect: String?
            let chain: String?
            let report: String?
        }

        func run() async throws {
            guard (1...100).contains(operators), (1...1024).contains(servers) else {
                throw ValidationError("--operators is 1 to 100, --servers 1 to 1024")
            }
            let deadline = try TimeCommand.seconds(timeout, "--timeout", in: 1...3600)
            let policy = QuorumPolicy(
                maximumRadius: try microseconds(maxRadius, "--max-radius"),
                operators: operators,
                tolerance: try microseconds(tolerance, "--tolerance")
            )
            let store = ChainStore(directory: state ?? TimeCommand.standardState)
            let check = ClockCheck(
                servers: try options.servers().servers.map { TimeServer($0) },
                policy: policy,
                client: options.client,
                store: store,
                serverLimit: servers
            )
            let isQuiet = json
            let result = await check.run(within: deadline) { progress in
                if !isQuiet { Self.tell(progress) }
            }
            if case .failure(let failure) = result.kept { Terminal.error("\(failure)") }
            var report: String?
            if let chain = result.chain, result.isMalfeasance {
                report = try await Self.write(chain, to: store, check.client.clock)
            }
            try say(result, report, check.client.clock.read())
            if let code = Self.exitCode(result) { throw ExitCode(code) }
        }

        private func microseconds(_ value: Double, _ option: String) throws -> Int64 {
            guard (0...86_400_000).contains(value) else { throw ValidationError("\(option) is 0 to 86400000 seconds") }
            return Int64(value * 1_000_000)
        }

        private static func write(_ chain: VerifiedChain, to store: ChainStore, _ clock: LocalClock) async throws
            -> String
        {
            do {
                return try await store.keep(chain.links, at: clock.read().unix, prefix: "malfeasance")
            } catch {
                throw Failure(Failure.unavailable, "servers contradict each other, but the report is lost: \(error)")
            }
        }

        private static func tell(_ progress: ChainSequence.Progress) {
            switch progress {
            case .asking(let server, let round): Terminal.note("Round \(round): asking \(server.name) …")
            case .failed(let server, let failure): Terminal.note("  \(server.name): \(failure)")
            case .answered: break
            }
        }

        private static func exitCode(_ result: ClockCheck.Result) -> Int32? {
            if result.isMalfeasance { return 5 }
            switch result.judgement.verdict {
            case .inSync: return nil
            case .outOfSync: return 3
            case .noQuorum: return 4
            }
        }

        private func say(_ result: ClockCheck.Result, _ report: String?, _ now: LocalClock.Reading) throws {
            let answers = result.servers.map { server in
                var answer: TimeAnswer
                switch server.outcome {
                case .answered(let best, _): answer = TimeAnswer(server.server, .success(best), now)
                case .failed(let failure): answer = TimeAnswer(server.server, .failure(failure), now)
                }
                answer.role = server.role == .unheard ? nil : server.role.rawValue
                return answer
            }
            let suspect = result.chain?.suspect.flatMap { key in
                result.servers.first { $0.server.publicKey == key }?.server.name
            }
            guard !json else {
                return try Terminal.say(json: document(result, answers, suspect, report))
            }
            TimeAnswer.say(answers)
            Terminal.say(Self.sentence(result.judgement))
            if let report {
                Terminal.say(
                    "The servers contradict each other" + (suspect.map { ", and without \($0) they would not" } ?? "")
                        + ". The proof is in \(report)"
                )
            }
        }

        private func document(
            _ result: ClockCheck.Result,
            _ answers: [TimeAnswer],
            _ suspect: String?,
            _ report: String?
        ) -> Answer {
            let (verdict, reason, bounds): (String, String?, (Int128, Int128)?) =
                switch result.judgement.verdict {
                case .inSync(let low, let high): ("in sync", nil, (low, high))
                case .outOfSync(let low, let high): ("out of sync", nil, (low, high))
                case .noQuorum(let reason): ("no quorum", reason, nil)
                }
            return Answer(
                verdict: verdict,
                reason: reason,
                offsetMicroseconds: result.judgement.offset.map { Int64(clamping: $0) },
                offsetLowMicroseconds: bounds.map { Int64(clamping: $0.0) },
                offsetHighMicroseconds: bounds.map { Int64(clamping: $0.1) },
                servers: answers,
                chainLength: result.chain?.links.count ?? 0,
                contradictions: result.chain?.inconsistencies.count ?? 0,
                suspect: suspect,
                chain: try? result.kept?.get(),
                report: report
            )
        }

        private static func sentence(_ judgement: QuorumPolicy.Judgement) -> String {
            func bounds(_ low: Int128, _ high: Int128) -> String {
                "its offset lies between \(TimeText.span(low, signed: true)) and \(TimeText.span(high, signed: true))"
            }
            switch judgement.verdict {
            case .inSync(let low, let high): return "The clock is in sync: \(bounds(low, high))."
            case .outOfSync(let low, let high): return "The clock is NOT in sync: \(bounds(low, high))."
            case .noQuorum(let reason): return "The clock cannot be judged: \(reason)."
            }
        }
    }
}
