// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import Roughtime

@Suite("Chains and reports")
struct ChainTests {
    /// The report of a named chain of the vectors, as JSON.
    static func report(_ name: String) throws -> Data {
        let file = try #require(
            Bundle.module.url(forResource: "chains", withExtension: "json", subdirectory: "Vectors")
        )
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let chain = try #require(document?[name] as? [String: Any])
        return try JSONSerialization.data(withJSONObject: #require(chain["report"]))
    }

    @Test("an honest chain verifies and has no contradiction")
    func honest() throws {
        let chain = try VerifiedChain(verifying: MalfeasanceReport(json: Self.report("honest")).links)
        #expect(chain.isConsistent && chain.suspect == nil)
    }

    @Test("a server that is an hour ahead is found, with the pairs that show it")
    func malfeasance() throws {
        let chain = try VerifiedChain(verifying: MalfeasanceReport(json: Self.report("server1_one_hour_ahead")).links)
        #expect(chain.inconsistencies.map { [$0.first, $0.second] } == [[1, 2], [1, 3], [1, 5], [4, 5]])
        #expect(chain.suspectIndex == 1)
    }

    @Test("a chain whose random part was changed proves nothing")
    func tampered() throws {
        let links = try MalfeasanceReport(json: Self.report("tampered_rand")).links
        #expect(throws: ChainFailure.notLinked(3)) { try VerifiedChain(verifying: links) }
    }

    @Test("a chain of two servers that contradict each other names nobody")
    func twoServers() throws {
        let links = try MalfeasanceReport(json: Self.report("server1_one_hour_ahead")).links
        let chain = try VerifiedChain(verifying: Array(links[1...2]))
        #expect(!chain.isConsistent)
        #expect(chain.suspect == nil)
    }

    @Test("a report reads back as it was written")
    func roundTrip() throws {
        let report = try MalfeasanceReport(json: Self.report("honest"))
        #expect(try MalfeasanceReport(json: report.json) == report)
    }

    @Test("the example of the RFC is a chain in which the first answer is a day ahead")
    func exampleOfTheRFC() throws {
        let file = try #require(
            Bundle.module.url(forResource: "appendix_b", withExtension: "json", subdirectory: "Vectors")
        )
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let json = try JSONSerialization.data(withJSONObject: #require(document?["report"]))
        let links = try MalfeasanceReport(json: json).links
        #expect(throws: ChainFailure.link(0, .delegationSignature)) { try VerifiedChain(verifying: links) }
        let chain = try VerifiedChain(verifying: links, options: VerificationOptions(acceptsDraftContexts: true))
        #expect(chain.inconsistencies.map { [$0.first, $0.second] } == [[0, 1], [0, 2]])
        #expect(chain.suspectIndex == 0)
    }

    @Test("what is no report is refused with a reason")
    func format() {
        for text in ["", "{}", "[]", #"{"responses":[{"publicKey":"AA==","request":"","response":""}]}"#] {
            #expect(throws: ReportFormatError.self) { try MalfeasanceReport(json: Data(text.utf8)) }
        }
        let empty = try? MalfeasanceReport(json: Data(#"{"responses":[]}"#.utf8))
        #expect(throws: ChainFailure.empty) { try VerifiedChain(verifying: empty?.links ?? []) }
    }
}

@Suite("Quorum of clocks")
struct QuorumTests {
    @Test("the majority of the vectors is found, or none")
    func vectors() throws {
        struct Case: Decodable {
            let name: String
            let intervals: [[Int64]]
            let result: String
            let members: [Int]?
            let offset_low: Int64?
            let offset_high: Int64?
            let offset: Int64?
            let falsetickers: [Int]?
            let largest: Int?
            let needed: Int
        }
        let cases: [Case] = try Vectors.load("quorum")
        #expect(cases.count == 7)
        for item in cases {
            let quorum = ClockQuorum(item.intervals.map { .init(low: Int128($0[0]), high: Int128($0[1])) })
            #expect(quorum.needed == item.needed)
            switch quorum.outcome {
            case .agreed(let low, let high, let members, let falsetickers):
                #expect(item.result == "ok", "\(item.name)")
                #expect(low == item.offset_low.map { Int128($0) } && high == item.offset_high.map { Int128($0) })
                #expect(members == item.members && falsetickers == item.falsetickers)
                #expect(quorum.offset == item.offset.map { Int128($0) }, "\(item.name)")
            case .none(let largest):
                #expect(item.result == "no quorum" && largest == item.largest, "\(item.name)")
            }
        }
    }

    private func vote(_ low: Int64, _ high: Int64, _ name: String) -> QuorumPolicy.Vote {
        QuorumPolicy.Vote(
            interval: .init(low: Int128(low), high: Int128(high)),
            radius: (high - low) / 2,
            operatorName: name
        )
    }

    @Test("answers that say too little do not vote, and one operator is no majority")
    func policy() {
        let policy = QuorumPolicy()
        let wide = vote(-400_000_000_000, 400_000_000_000, "d")
        let three = [vote(-1000, 1000, "a"), vote(-900, 1100, "b"), vote(-800, 1200, "c")]
        let judgement = policy.judge(three + [wide])
        #expect(judgement.verdict == .inSync(low: -800, high: 1000))
        #expect(judgement.tooWide == [3])
        let same = three.map { QuorumPolicy.Vote(interval: $0.interval, radius: $0.radius, operatorName: "a") }
        guard case .noQuorum = policy.judge(same).verdict else {
            Issue.record("one operator with three servers decided")
            return
        }
    }

    @Test("a clock is out of sync only beyond the tolerance, and less sure with age")
    func tolerance() {
        let policy = QuorumPolicy()
        let near = ["a", "b", "c"].map { vote(9_000_000, 11_000_000, $0) }
        #expect(policy.judge(near).verdict == .inSync(low: 9_000_000, high: 11_000_000))
        let far = ["a", "b", "c"].map { vote(10_000_001, 11_000_000, $0) }
        #expect(policy.judge(far).verdict == .outOfSync(low: 10_000_001, high: 11_000_000))
        #expect(policy.judge(far, age: 1_000_000).verdict == .inSync(low: 9_999_901, high: 11_000_100))
    }
}

@Suite("Server lists")
struct ServerListTests {
    @Test("lists of the vectors are accepted or refused")
    func vectors() throws {
        let file = try #require(
            Bundle.module.url(forResource: "serverlist", withExtension: "json", subdirectory: "Vectors")
        )
        let vector = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        func list(_ document: Any) throws -> ServerList {
            try ServerList(json: JSONSerialization.data(withJSONObject: document))
        }
        let valid = try list(#require(vector["valid"]))
        #expect(valid.servers[0].version == .rfc10049)
        #expect(
            valid.servers[0].addresses.map(\.description) == [
                "udp://roughtime.example.com:5319", "tcp://[2001:db8::1]:5319",
            ]
        )
        #expect(try ServerList(json: valid.json) == valid)
        for document in try #require(vector["legacy_accept"] as? [Any]) {
            #expect(throws: Never.self) { try list(document) }
        }
        let refused = try #require(vector["reject"] as? [[String: Any]])
        #expect(refused.count == 5)
        for item in refused {
            #expect(throws: ServerListError.self, "\(item["why"] ?? "")") { try list(#require(item["doc"])) }
        }
    }

    @Test("a name cannot turn the text around it")
    func names() {
        let entry = ServerEntry(name: "good\u{202e}evil\u{7}\n", version: nil, publicKey: [], addresses: [])
        #expect(entry.name == "goodevil")
    }

    @Test("the list of public servers has keys of the right length")
    func publicServers() {
        #expect(ServerList.publicServers.servers.count == 5)
        #expect(ServerList.publicServers.servers.allSatisfy { $0.publicKey.count == 32 })
        #expect(Set(ServerList.publicServers.servers.map(\.operatorName)).count == 5)
    }

    @Test("hosts and ports are read strictly")
    func hostPort() {
        #expect(HostPort.split("a.example:5319")?.port == 5319)
        #expect(HostPort.split("[2001:db8::1]:1")?.host == "2001:db8::1")
        for text in ["", ":1", "a", "a:", "a:70000", "a:-1", "a:+1", "[::1%eth0]:1", "2001:db8::1:1", "a b:1", "[]:1"] {
            #expect(HostPort.split(text) == nil, "\(text)")
        }
    }
}

@Suite("Time proofs")
struct TimeProofTests {
    struct Vector: Decodable {
        struct Proof: Decodable {
            let document: String
            let digest: HexBytes
            let salt: HexBytes
            let nonce: HexBytes
            let request: HexBytes
        }
        let longterm_public: HexBytes
        let time_proof: Proof
    }

    /// A proof for a digest, signed by the server of the exchange vectors.
    static func proof(
        root: [UInt8],
        digest: [UInt8],
        branch: TimeProof.Branch? = nil
    ) throws -> TimeProof {
        let vectors: ExchangeVectors = try Vectors.load("exchanges")
        let salt = [UInt8](repeating: 5, count: 32)
        let request = try #require(
            Request(
                versions: [.rfc10049],
                nonce: TimeProof.nonce(for: root, salt: salt),
                serverKey: vectors.longterm_public.bytes
            )
        )
        let answer = try AnswerBatch().answers(
            to: [request.packet],
            rules: vectors.rules,
            identities: [vectors.identity()],
            time: vectors.time
        )[0].get()
        let link = ChainLink(
            blind: nil,
            publicKey: vectors.longterm_public.bytes,
            request: request.packet,
            response: answer
        )
        return TimeProof(digest: digest, salt: salt, branch: branch, chain: MalfeasanceReport(links: [link]))
    }

    @Test("the nonce of a proof is that of the vectors")
    func nonce() throws {
        let vector: Vector = try Vectors.load("canonical_request")
        let proof = vector.time_proof
        #expect(Array(SHA256.hash(data: Array(proof.document.utf8))) == proof.digest.bytes)
        #expect(TimeProof.nonce(for: proof.digest.bytes, salt: proof.salt.bytes) == proof.nonce.bytes)
        let request = Request(
            versions: [.rfc10049],
            nonce: proof.nonce.bytes,
            serverKey: vector.longterm_public.bytes
        )
        #expect(request?.packet == proof.request.bytes)
    }

    @Test("a proof holds for its document, for no other, and says before when it existed")
    func single() throws {
        let digest = [UInt8](repeating: 1, count: 32)
        let proof = try Self.proof(root: digest, digest: digest)
        let verified = try TimeProof(json: proof.json).verify()
        #expect(verified.existedBefore == 1_790_000_003_000_000)
        let other = TimeProof(digest: [UInt8](repeating: 2, count: 32), salt: proof.salt, chain: proof.chain)
        #expect(throws: TimeProofFailure.notBound) { try other.verify() }
        #expect(throws: TimeProofFailure.untrustedKey(proof.chain.links[0].publicKey)) {
            try proof.verify(trustedKeys: [[UInt8](repeating: 0, count: 32)])
        }
    }

    @Test("one exchange proves many documents, each by its own branch", arguments: [1, 2, 3, 7, 16])
    func batch(_ count: Int) throws {
        let digests = (0..<count).map { [UInt8](repeating: UInt8($0), count: 32) }
        let tree = TimeProof.tree(of: digests)
        for index in 0..<count {
            let branch = TimeProof.Branch(index: UInt32(index), path: tree.path(of: index))
            let proof = try Self.proof(root: tree.root, digest: digests[index], branch: branch)
            #expect(throws: Never.self) { try TimeProof(json: proof.json).verify() }
            // A last leaf without a neighbour is its own, so only another number of the same length is surely wrong.
            let number = UInt32(index ^ 1 < count ? index ^ 1 : index | count.nextPowerOf2)
            let moved = TimeProof.Branch(index: number, path: branch.path)
            let wrong = TimeProof(digest: digests[index], salt: proof.salt, branch: moved, chain: proof.chain)
            #expect(throws: TimeProofFailure.self) { try wrong.verify() }
        }
    }
}

extension Int {
    /// The least power of two above this number.
    fileprivate var nextPowerOf2: Int {
        var power = 1
        while power <= self { power *= 2 }
        return power
    }
}
