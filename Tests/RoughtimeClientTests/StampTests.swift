// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Roughtime
import Synchronization
import Testing

@testable import RoughtimeClient

@Suite("Stamps, evidence and reports")
struct StampTests {
    private func stamper(
        _ fakes: [String: FakeServer],
        first: TimeStamper.FirstServer? = nil,
        needed: Int = 1
    ) -> TimeStamper {
        let clock = FakeClock()
        return TimeStamper(
            client: .fake(FakeNetwork(fakes, clock: clock), clock),
            servers: fakes.map { $0.value.server($0.key) },
            first: first,
            needed: needed,
            perServer: .milliseconds(1)
        )
    }

    private func first(_ fake: FakeServer) -> TimeStamper.FirstServer {
        .init(publicKey: fake.publicKey) { request in
            guard let answer = fake.answer(request) else { throw DropReason.version }
            return answer
        }
    }

    @Test("a proof by our own server and two others holds, our own being asked first")
    func ownFirst() async throws {
        let own = try FakeServer()
        let fakes = ["a": try FakeServer(), "b": try FakeServer(), "c": try FakeServer()]
        let proof = try await stamper(fakes, first: first(own)).stamp(digest: [UInt8](repeating: 3, count: 32))
        let verified = try TimeProof(json: proof.json).verify()
        #expect(verified.chain.links.count == 3)
        #expect(verified.chain.links[0].publicKey == own.publicKey)
        #expect(verified.existedBefore >= Int128(FakeServer.now))
    }

    @Test("one exchange stamps many documents")
    func batch() async throws {
        let digests = (0..<9).map { [UInt8](repeating: UInt8($0), count: 32) }
        let proofs = try await stamper([:], first: first(FakeServer())).stamp(digests: digests)
        #expect(proofs.map(\.digest) == digests)
        #expect(Set(proofs.map(\.chain.json)).count == 1)
        for proof in proofs { #expect(throws: Never.self) { try proof.verify() } }
    }

    @Test("without our own server the others make the proof; with nobody there is none")
    func others() async throws {
        let fakes = ["a": try FakeServer(), "b": try FakeServer()]
        let broken = TimeStamper.FirstServer(publicKey: [UInt8](repeating: 0, count: 32)) { _ in
            throw DropReason.unsynchronised
        }
        for stamper in [stamper(fakes), stamper(fakes, first: broken, needed: 2)] {
            let proof = try await stamper.stamp(digest: [UInt8](repeating: 1, count: 32))
            #expect(try proof.verify().chain.links.count == 2)
        }
        await #expect(throws: StampFailure.self) {
            try await stamper(fakes, needed: 3).stamp(digest: [UInt8](repeating: 1, count: 32))
        }
        await #expect(throws: StampFailure.noDigest) { try await stamper(fakes).stamp(digest: [1]) }
    }

    @Test("contradicting answers make no proof, and neither does a first answer that is not signed")
    func contradictions() async throws {
        let fakes = ["late": try FakeServer()]
        await #expect(throws: StampFailure.inconsistent) {
            try await stamper(fakes, first: first(FakeServer(ahead: 3_600_000_000)))
                .stamp(digest: [UInt8](repeating: 1, count: 32))
        }
        let forged = TimeStamper.FirstServer(publicKey: try FakeServer().publicKey) { request in
            [UInt8](repeating: 0, count: 464)
        }
        await #expect(throws: StampFailure.self) {
            try await stamper([:], first: forged).stamp(digest: [UInt8](repeating: 1, count: 32))
        }
    }

    @Test("a proof is examined with its document, its keys and a response before it")
    func evidence() async throws {
        let (own, earlier) = (try FakeServer(), try FakeServer(ahead: -60_000_000))
        let before = try #require(
            Request(versions: [.rfc10049], nonce: [UInt8](repeating: 9, count: 32)).flatMap {
                earlier.answer($0.packet)
            }
        )
        let document = Array(#"{"score":1,"after":"\#(Hex.encode(TimeProof.digest(of: before)))"}"#.utf8)
        let proof = try await stamper([:], first: first(own)).stamp(digest: TimeProof.digest(of: document))
        let evidence = try TimeEvidence(json: proof.json)
        let names = [own.publicKey: "own", earlier.publicKey: "earlier"]

        var examiner = EvidenceExaminer(trustedKeys: Set(names.keys), names: names)
        let good = examiner.examine(evidence, document: document, after: before)
        #expect(good.holds && good.warnings.isEmpty)
        let (first, last) = (try #require(good.notBefore), try #require(good.existedBefore))
        #expect(first == Int128(FakeServer.now) - 63_000_000 && first < last)
        #expect(good.conclusions.joined().contains("own"))

        func fails(_ name: String, _ report: EvidenceReport) {
            #expect(!report.holds && report.conclusions.isEmpty)
            #expect(report.checks.filter { $0.outcome == .failed }.map(\.name) == [name])
        }
        fails("document", examiner.examine(evidence, document: Array("{}".utf8)))
        fails("after", examiner.examine(evidence, document: document, after: Array(before.dropLast(4))))
        examiner.trustedKeys = [earlier.publicKey]
        fails("trust", examiner.examine(evidence, document: document, after: before))
        examiner.trustedKeys = [own.publicKey]
        fails("after", examiner.examine(evidence, document: document, after: before))
        examiner.trustedKeys = nil
        let unvouched = examiner.examine(evidence, document: document)
        #expect(unvouched.holds)
        #expect(unvouched.warnings.joined().contains(Base64.encode(own.publicKey)))
    }

    /// A chain in which the first server is an hour ahead.
    private func contradiction() async throws -> (MalfeasanceReport, liar: FakeServer) {
        let clock = FakeClock()
        let fakes = ["liar": try FakeServer(ahead: 3_600_000_000), "b": try FakeServer(), "c": try FakeServer()]
        let client = TimeClient.fake(FakeNetwork(fakes, clock: clock), clock)
        let order = ["liar", "b", "c"].compactMap { name in fakes[name]?.server(name) }
        let run = await ChainSequence(client: client).run(order)
        return (MalfeasanceReport(links: run.links), try #require(fakes["liar"]))
    }

    @Test("a chain names the one whose absence would make the others agree")
    func suspect() async throws {
        let (report, liar) = try await contradiction()
        let examiner = EvidenceExaminer(names: [liar.publicKey: "the liar"])
        let examined = examiner.examine(try TimeEvidence(json: report.json))
        #expect(examined.holds && examined.chain?.suspect == liar.publicKey)
        #expect(examined.conclusions.last?.contains("the liar") == true)
    }

    @Test("a report is tried again until it is taken, with longer and longer waits")
    func upload() async throws {
        let (report, _) = try await contradiction()
        let statuses = Mutex([503, 429, 500, 201])
        let waits = Mutex<[Duration]>([])
        let upload = ReportUpload { url, type, document in
            #expect(url == "https://example.com/r" && type == "application/roughtime-malfeasance+json")
            #expect(document == report.json)
            return statuses.withLock { $0.removeFirst() }
        } sleep: { wait in
            waits.withLock { $0.append(wait) }
        }
        #expect(try await upload.send(report, to: "https://example.com/r") == 201)
        #expect(waits.withLock { $0 } == [.seconds(10), .seconds(15), .seconds(22.5)])
    }

    @Test("what is no evidence is never sent, and a refusal is final")
    func notSent() async throws {
        let (report, _) = try await contradiction()
        let sent = Mutex(0)
        let upload = ReportUpload { _, _, _ in
            sent.withLock { $0 += 1 }
            return 422
        } sleep: { _ in
            Issue.record("waited")
        }
        let links = report.links
        let honest = MalfeasanceReport(links: Array(links[1...2]))
        let torn = MalfeasanceReport(links: [links[0], links[2]])
        await #expect(throws: ReportUpload.Failure.consistent) { try await upload.send(honest, to: "https://e.com/r") }
        await #expect(throws: ReportUpload.Failure.noEvidence(.notLinked(1))) {
            try await upload.send(torn, to: "https://e.com/r")
        }
        for url in [
            "http://example.com/r", "ftp://e.com", "", "https://", "https://u@e.com/r", "http://127.0.0.1.e.com/",
        ] {
            await #expect(throws: ReportUpload.Failure.address(url)) { try await upload.send(report, to: url) }
        }
        #expect(sent.withLock { $0 } == 0)
        await #expect(throws: ReportUpload.Failure.refused(status: 422)) {
            try await upload.send(report, to: "https://e.com/r")
        }
        #expect(sent.withLock { $0 } == 1)
    }

    @Test("times and spans read as people write them")
    func text() {
        #expect(TimeText.utc(0) == "1970-01-01 00:00:00.000 UTC")
        #expect(TimeText.utc(1_790_000_000_123_999) == "2026-09-21 14:13:20.123 UTC")
        #expect(TimeText.utc(-1) == "1969-12-31 23:59:59.999 UTC")
        #expect(TimeText.utc(.max).hasSuffix("microseconds after 1970"))
        #expect(TimeText.span(999) == "999 us" && TimeText.span(-1500, signed: true) == "-1.5 ms")
        #expect(TimeText.span(1_050_000, signed: true) == "+1.05 s" && TimeText.span(3_600_000_000) == "60 min")
        #expect(TimeText.span(864_000_000_000) == "10 days")
    }
}
