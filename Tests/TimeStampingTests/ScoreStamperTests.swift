// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Postgres
import PostgresTestSupport
import Roughtime
import Synchronization
import Testing
import TimeArchive
import TimeStamping
import TimeTestSupport

@Suite("Stamps of scores")
struct ScoreStamperTests {
    private static let now: Int64 = 1_790_000_000_000_000

    /// Scores that a test can change.
    private final class Board: Sendable {
        private let state = Mutex((version: Int64(0), scores: [UInt8: Int]()))

        func set(_ scores: [UInt8: Int]) {
            state.withLock { $0 = ($0.version + 1, scores) }
        }

        var source: ScoreSource {
            ScoreSource {
                let (version, scores) = self.state.withLock { $0 }
                guard version > 0 else { return nil }
                return ScoreSource.Edition(version: version) {
                    scores.sorted { $0.key < $1.key }.map { node, score in
                        StampableScore(
                            node: Board.name(node),
                            content: { Array("\(node) \(score)".utf8) },
                            document: { Array("{\"after\":\"\($0)\",\"node\":\(node),\"score\":\(score)}".utf8) }
                        )
                    }
                }
            }
        }

        static func name(_ node: UInt8) -> [UInt8] { [UInt8](repeating: node, count: 32) }
    }

    private struct Bench {
        let server: TestTimeServer
        let board = Board()
        let archive: ScoreArchive
        let client: PostgresClient

        init(_ client: PostgresClient) throws {
            server = try TestTimeServer(now: now)
            self.client = client
            archive = ScoreArchive(client: client)
        }

        func process() -> ScoreStamper {
            let server = server
            return ScoreStamper(
                stamper: Stamper(publicKey: server.publicKey) { server.answer($0) },
                archive: archive,
                source: board.source,
                interval: .seconds(60),
                logger: TestDatabase.silentLogger
            )
        }

        /// Lets time pass in the archive.
        func age(bySeconds seconds: Int) async throws {
            _ = try await client.execute(
                Statement("age", "UPDATE score_stamps SET created_at = created_at - $1 * interval '1 second'"),
                [.int4(Int32(seconds))]
            )
        }

        func found(_ node: UInt8) async throws -> StampedScore {
            try #require(try await archive.find(Board.name(node)))
        }

        func count(_ table: String) async throws -> Int64 {
            try #require(try await client.query(Statement("count", "SELECT count(*) FROM \(table)")).first).int8(0)
        }
    }

    private static func check(_ score: StampedScore, by server: TestTimeServer) throws {
        #expect(score.proof.digest == Array(SHA256.hash(data: score.document)))
        let verified = try score.proof.verify(trustedKeys: [server.publicKey])
        #expect(verified.existedBefore > 0)
        let text = String(decoding: score.document, as: UTF8.self)
        #expect(text.contains(Hex.encode(Array(SHA256.hash(data: score.after)))))
    }

    @Test("one exchange stamps every score, and each has a proof of its own", arguments: [1, 2, 5, 64])
    func first(_ count: Int) async throws {
        try await TestDatabase.withMigrated { client in
            let bench = try Bench(client)
            let stamper = bench.process()
            #expect(try await stamper.stamp() == .notReady)
            bench.board.set(Dictionary(uniqueKeysWithValues: (0..<count).map { (UInt8($0), 50) }))
            #expect(try await stamper.stamp() == .stamped(count))
            // One for the documents, and one before it for them to name.
            #expect(bench.server.answered == 2)
            for node in 0..<count { try Self.check(try await bench.found(UInt8(node)), by: bench.server) }
            #expect(try await bench.archive.find(Board.name(UInt8(count))) == nil)
        }
    }

    @Test("only what has changed is stamped again, and names the answer of the stamp before")
    func changes() async throws {
        try await TestDatabase.withMigrated { client in
            let bench = try Bench(client)
            let stamper = bench.process()
            bench.board.set([1: 10, 2: 20, 3: 30])
            #expect(try await stamper.stamp() == .stamped(3))
            let before = try await bench.found(1)
            try await bench.age(bySeconds: 60)
            #expect(try await stamper.stamp() == .unchanged)
            bench.board.set([1: 10, 2: 20, 3: 30])
            #expect(try await stamper.stamp() == .unchanged)
            bench.board.set([1: 10, 2: 21, 3: 30])
            #expect(try await stamper.stamp() == .stamped(1))
            #expect(try await bench.found(1) == before)
            let changed = try await bench.found(2)
            try Self.check(changed, by: bench.server)
            #expect(changed.after == before.proof.chain.links[0].response)
            #expect(bench.server.answered == 3)
        }
    }

    @Test("of two processes one stamps, and a new one knows what was stamped")
    func processes() async throws {
        try await TestDatabase.withMigrated { client in
            let bench = try Bench(client)
            let (first, second) = (bench.process(), bench.process())
            bench.board.set([1: 10])
            #expect(try await first.stamp() == .stamped(1))
            #expect(try await second.stamp() == .elsewhere)
            try await bench.age(bySeconds: 60)
            #expect(try await second.stamp() == .unchanged)
            // While one has its turn, others do not wait.
            let inside = try await bench.archive.withTurn { _ in try await bench.process().stamp() }
            #expect(inside == .elsewhere)
        }
    }

    @Test(
        "a score that never changes is stamped every day, one that is gone is forgotten, and stamps go with their scores"
    )
    func retention() async throws {
        try await TestDatabase.withMigrated { client in
            let bench = try Bench(client)
            bench.board.set([1: 10, 2: 20])
            #expect(try await bench.process().stamp() == .stamped(2))
            try await bench.age(bySeconds: 86_401)
            bench.board.set([1: 10])
            #expect(try await bench.process().stamp() == .stamped(1))
            #expect(try await bench.count("score_stamps") == 2)
            try await bench.age(bySeconds: 6 * 86_400 + 60)
            #expect(try await bench.process().stamp() == .stamped(1))
            #expect(try await bench.archive.find(Board.name(2)) == nil)
            #expect(try await bench.count("score_stamps") == 1)
            try Self.check(try await bench.found(1), by: bench.server)
        }
    }

    @Test("while the time server signs nothing, nothing is kept, and the scores are stamped when it signs again")
    func failure() async throws {
        try await TestDatabase.withMigrated { client in
            let bench = try Bench(client)
            let stamper = bench.process()
            bench.board.set([1: 10])
            bench.server.failure = .unsynchronised
            await #expect(throws: StampError.dropped(.unsynchronised)) { try await stamper.stamp() }
            #expect(try await bench.count("score_stamps") == 0)
            bench.server.failure = nil
            #expect(try await stamper.stamp() == .stamped(1))
        }
    }
}
