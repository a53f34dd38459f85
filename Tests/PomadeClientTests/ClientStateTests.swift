// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Nostr
import Pomade
import Secp256k1
import Testing

@testable import PomadeClient

@Suite("What a client keeps and is told")
struct ClientStateTests {
    private func dealt() throws -> ClientState {
        try KeyDealing(
            secret: .random(),
            threshold: 2,
            urls: ["http://a.example", "https://b.example/pomade", "http://c:1"]
        )
        .state
    }

    @Test("the state survives its file, and prints no secret")
    func file() throws {
        let state = try dealt()
        let read = try ClientState(json: state.json)
        #expect(read.group == state.group && read.members == state.members)
        #expect(read.client.rawBytes == state.client.rawBytes && read.session == state.session)
        let secret: Hex32 = try #require(Hex32(state.client.rawBytes))
        #expect(!"\(state)".contains(secret.description) && "\(state)".contains(state.userKey.description))
    }

    @Test("a file that was cut, or changed where it matters, is refused")
    func damaged() throws {
        let json = try dealt().json
        for count in stride(from: 0, to: json.count - 2, by: 7) {
            #expect(throws: ThresholdError.self) { try ClientState(json: Array(json.prefix(count))) }
        }
        let text = String(decoding: json, as: UTF8.self)
        for (old, new) in [
            ("\"version\" : 1", "\"version\" : 2"), ("\"threshold\" : 2", "\"threshold\" : 4"),
            ("\"idx\" : 1", "\"idx\" : 2"), ("\"client_secret\" : \"", "\"client_secret\" : \"00"),
        ] {
            #expect(text.contains(old))
            #expect(throws: ThresholdError.self) {
                try ClientState(json: Array(text.replacing(old, with: new).utf8))
            }
        }
    }

    @Test(
        "URLs that are no signer's are refused with what is wrong",
        arguments: [
            "", "signer.example.com", "https://", "https://signer.example.com/", "ftp://a.example",
            "http://a.example?x=1",
            "http://a.example#x", "http://",
        ]
    )
    func urls(text: String) {
        #expect(throws: ThresholdError.self) { try SignerConnection(text) }
    }

    @Test("a key is dealt to 1 to 5 different signers with a threshold among them")
    func dealing() {
        let urls = (1...6).map { "http://s\($0).example" }
        for (threshold, list) in [(0, 1...3), (4, 1...3), (2, 1...6)] {
            #expect(throws: ThresholdError.self) {
                try KeyDealing(secret: .random(), threshold: threshold, urls: list.map { urls[$0 - 1] })
            }
        }
        #expect(throws: ThresholdError.self) {
            try KeyDealing(secret: .random(), threshold: 1, urls: [urls[0], urls[0]])
        }
        #expect(throws: ThresholdError.self) { try KeyDealing(secret: .random(), threshold: 1, urls: []) }
    }

    @Test("what a signer says is shown on one line, cut, and moves no terminal")
    func words() {
        #expect(SignerProblem.printable("Bitte sehr, ключ 🔑.") == "Bitte sehr, ключ 🔑.")
        let hostile = "\u{1B}]0;x\u{7}\r\nassay: signed\u{202E}\u{2028}"
        #expect(SignerProblem.printable(hostile).unicodeScalars.allSatisfy { $0.value >= 0x20 })
        #expect(!SignerProblem.printable(hostile).contains { $0.isNewline || $0 == "\u{202E}" })
        #expect(SignerProblem.printable(String(repeating: "a", count: 1 << 20)).count == 300)
    }

    @Test("of several sessions the one that the key has vouched for is taken, then the latest")
    func choice() {
        func item(_ lastActivity: Int64, verified: Bool?) -> SessionItem {
            SessionItem(
                pubkey: .random(),
                client: .random(),
                createdAt: 1,
                lastActivity: lastActivity,
                threshold: 2,
                total: 2,
                idx: 1,
                verified: verified
            )
        }
        func rank(_ items: SessionItem...) -> AccountAccess.Rank { AccountAccess.Rank(items) }
        #expect(rank(item(9, verified: false)) < rank(item(1, verified: true)))
        #expect(rank(item(9, verified: nil)) < rank(item(1, verified: true)))
        // One signer's word is not enough.
        #expect(rank(item(8, verified: true), item(8, verified: false)) < rank(item(1, verified: true)))
        #expect(rank(item(1, verified: true)) < rank(item(2, verified: true)))
    }

    @Test("quorums come with preferred signers first, each once")
    func quorums() {
        #expect(ThresholdSigner.quorums(of: [2, 3, 1], count: 2) == [[2, 3], [2, 1], [3, 1]])
        #expect(ThresholdSigner.quorums(of: [1, 2, 3, 4, 5], count: 3).count == 10)
        #expect(ThresholdSigner.quorums(of: [1, 2], count: 3) == [])
    }
}
