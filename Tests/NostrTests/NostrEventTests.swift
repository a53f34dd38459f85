// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import Secp256k1
import Testing

@testable import Nostr

@Suite("Nostr events")
struct NostrEventTests {
    struct File: Decodable {
        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let name: String
            let serialized: String?
            let event: RawEvent
            let expect: String
            var testDescription: String { name }
        }
        let secretKeyHex, publicKeyHex: String
        let cases: [Case]
    }

    static let file = Vectors.load("nip01", as: File.self)

    @Test("every vector of NIP-01 is read, hashed, checked and signed as it says", arguments: file.cases)
    func vector(_ vector: File.Case) throws {
        var verdict = "ok"
        do {
            let event = try NostrEvent(json: try vector.event.json)
            if let serialized = vector.serialized {
                #expect(String(decoding: event.unsigned.canonicalForm, as: UTF8.self) == serialized)
                #expect(event.unsigned.canonicalForm == Array(serialized.utf8))
                let signed = event.unsigned.signed(by: Samples.secret, auxiliary: Samples.zeros)
                #expect(signed.signatureHex == vector.event.sig)
                #expect(signed.id.hex == vector.event.id)
            }
            try event.verify()
        } catch let error as NostrEventError {
            verdict =
                switch error {
                case .malformed: "malformed"
                case .idMismatch: "id_mismatch"
                case .badSignature: "bad_signature"
                }
        }
        #expect(verdict == vector.expect)
    }

    @Test("the file of vectors is whole")
    func complete() {
        #expect(Self.file.cases.count == 19)
        #expect(Self.file.publicKeyHex == Samples.key.hex)
    }

    @Test("what is written as JSON is read back as the same event")
    func roundTrip() throws {
        var generator = Generator(state: 1)
        for _ in 0..<200 {
            let scalars = (0..<Int.random(in: 0..<40, using: &generator)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0..<0x3000, using: &generator))
            }
            let text = String(String.UnicodeScalarView(scalars))
            let event = Samples.event(tags: [["t", text], [], [text, ""]], content: text)
            let read = try NostrEvent(json: event.json)
            #expect(read == event)
            #expect(read.content.utf8.elementsEqual(text.utf8))
            try read.verify()
            #expect(try JSONDecoder().decode(NostrEvent.self, from: JSONEncoder().encode(event)) == event)
        }
    }

    @Test("no truncated event is read")
    func truncations() {
        let json = Samples.event().json
        for count in 0..<json.count {
            #expect(throws: NostrEventError.self) { try NostrEvent(json: Array(json.prefix(count))) }
        }
    }

    @Test("no event with a flipped bit is both read and verified, unless it says the same")
    func bitFlips() throws {
        let event = Samples.event()
        let json = event.json
        for bit in 0..<json.count * 8 {
            var changed = json
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let read = try? NostrEvent(json: changed) else { continue }
            if read == event { continue }
            #expect(throws: NostrEventError.self) { try read.verify() }
        }
    }

    @Test("random bytes and random JSON never crash the reader")
    func noise() {
        var generator = Generator(state: 2)
        let pieces = [
            "{", "}", "[", "]", "\"id\":", "\"tags\":", "[[1]]", "null", "1e99", "-1", "\"\\ud800\"", ",", "\"a\"",
        ]
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0..<80, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? NostrEvent(json: bytes)
            let text = (0..<20).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
            _ = try? NostrEvent(json: Array(text.utf8))
        }
    }

    @Test(
        "members of another type, range or size are named",
        arguments: [
            ("\"kind\":1", "\"kind\":65536", "kind"), ("\"kind\":1", "\"kind\":-1", "kind"),
            ("\"kind\":1", "\"kind\":\"1\"", "kind"), ("\"kind\":1", "\"kind\":1.5", "kind"),
            ("\"kind\":1", "\"kind\":null", "kind"), ("\"kind\":1,", "", "kind"),
            ("\"created_at\":1770000000", "\"created_at\":1e40", "created_at"),
            ("\"created_at\":1770000000", "\"created_at\":\"x\"", "created_at"),
            ("\"created_at\":1770000000", "\"created_at\":true", "created_at"),
            ("\"tags\":[[\"p\",\"x\"]]", "\"tags\":[[\"p\",1]]", "tags"),
            ("\"tags\":[[\"p\",\"x\"]]", "\"tags\":[\"p\"]", "tags"),
            ("\"tags\":[[\"p\",\"x\"]]", "\"tags\":{}", "tags"),
            ("\"content\":\"c\"", "\"content\":1", "content"), ("\"id\":\"", "\"id\":\"0", "id"),
            ("\"pubkey\":\"", "\"pubkey\":\"0", "pubkey"), ("\"sig\":\"", "\"sig\":\"00", "sig"),
        ]
    )
    func wrongMembers(from: String, to: String, named: String) throws {
        let json = String(decoding: Samples.event(tags: [["p", "x"]], content: "c").json, as: UTF8.self)
        let changed = json.replacing(from, with: to)
        #expect(changed != json)
        let error = try #require(throws: NostrEventError.self) { try NostrEvent(json: Array(changed.utf8)) }
        guard case .malformed(let fault) = error else { Issue.record("\(error)"); return }
        #expect(fault.contains("\"\(named)\""))
    }

    @Test("limits on bytes, tags, strings and depth hold")
    func limits() throws {
        let limits = EventLimits(bytes: 2000, tags: 3, stringsPerTag: 2)
        func read(_ event: NostrEvent) throws -> NostrEvent { try NostrEvent(json: event.json, limits: limits) }
        _ = try read(Samples.event(tags: [["a", "b"], [], []]))
        #expect(throws: NostrEventError.self) { try read(Samples.event(tags: [[], [], [], []])) }
        #expect(throws: NostrEventError.self) { try read(Samples.event(tags: [["a", "b", "c"]])) }
        #expect(throws: NostrEventError.self) { try read(Samples.event(content: String(repeating: "a", count: 2000))) }
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: NostrEventError.malformed("nested too deeply")) {
            try NostrEvent(json: Array(deep.utf8), limits: EventLimits(bytes: 1_000_000, tags: 1, stringsPerTag: 1))
        }
    }

    @Test("members that nobody knows are left out")
    func unknownMembers() throws {
        let event = Samples.event()
        let json = Array("{\"seen\":[[\"wss://relay\"]],".utf8) + event.json.dropFirst()
        #expect(try NostrEvent(json: json) == event)
    }

    @Test("a signature made elsewhere is attached only when it fits")
    func attaching() throws {
        let unsigned = UnsignedEvent(key: Samples.key, createdAt: 7, kind: 1, content: "together")
        let signature = Samples.secret.signSchnorr(unsigned.digest)
        let event = try unsigned.attaching(signature)
        try event.verify()
        #expect(event.signature == signature)
        #expect(throws: NostrEventError.badSignature) {
            try unsigned.attaching(SecretKey.random().signSchnorr(unsigned.digest))
        }
        #expect(throws: NostrEventError.badSignature) { try unsigned.attaching(Array(signature.dropLast())) }
    }

    @Test("two signatures over one event differ, as each has randomness of its own")
    func randomness() {
        #expect(Samples.event().signature != Samples.event().signature)
    }

    @Test("keys are written and read as NIP-19 prints them")
    func keyTexts() throws {
        // The examples of NIP-19.
        let key = try #require(NostrKey(hex: "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"))
        let npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
        #expect(key.npub == npub)
        #expect(try NostrKey(npub: npub) == key)
        let bytes = try unhex("67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa")
        let secret = try #require(SecretKey(bytes))
        let nsec = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
        #expect(secret.nsec == nsec)
        #expect(try SecretKey(nsec: nsec.uppercased()).rawBytes == bytes)
    }

    @Test("a key text with a changed letter, another prefix or another size is refused")
    func badKeyTexts() throws {
        let npub = Samples.key.npub
        #expect(throws: KeyTextError.wrongPrefix(expected: "nsec")) { try SecretKey(nsec: npub) }
        #expect(throws: KeyTextError.self) { try NostrKey(npub: Samples.secret.nsec) }
        for index in npub.indices {
            var changed = npub
            changed.replaceSubrange(index...index, with: npub[index] == "q" ? "p" : "q")
            #expect(throws: KeyTextError.self) { try NostrKey(npub: changed) }
            #expect(throws: KeyTextError.self) { try NostrKey(npub: String(npub[..<index])) }
        }
        let zero = Bech32.encode(hrp: Array("nsec".utf8), groups: Bech32.groups(Samples.zeros))
        #expect(throws: KeyTextError.outOfRange) { try SecretKey(nsec: zero) }
        var groups = Bech32.groups(Samples.zeros)
        groups[51] = 1
        let padded = Bech32.encode(hrp: Array("npub".utf8), groups: groups)
        #expect(throws: KeyTextError.malformed(nil)) { try NostrKey(npub: padded) }
        let error = try #require(throws: KeyTextError.self) { try SecretKey(nsec: "nsec1secret") }
        #expect(!"\(error)".contains("secret"))
    }
}
