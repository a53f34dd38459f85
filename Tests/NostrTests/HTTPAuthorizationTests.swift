// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Secp256k1
import Testing

@testable import Nostr

@Suite("NIP-98 requests")
struct HTTPAuthorizationTests {
    struct File: Decodable {
        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            struct Request: Decodable, Sendable {
                let method, url: String
                let bodyHex: String?
            }
            let name: String
            let now: Int64
            let request: Request
            let authorization, expect: String
            var testDescription: String { name }
        }
        let cases: [Case]
    }

    struct SignerFile: Decodable {
        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let note, path, body, authorization: String
            let server_now: Int64
            let pow_bits: Int
            let valid: Bool
            let event: RawEvent
            var testDescription: String { note }
        }
        let cases: [Case]
    }

    static let file = Vectors.load("nip98", as: File.self)
    static let signerFile = Vectors.load("pomade-nip98", as: SignerFile.self)

    static func verdict(
        _ header: String?,
        _ expected: HTTPAuthorization.Expectation,
        now: Int64,
        replays: ReplayCache = ReplayCache()
    ) -> String {
        do {
            let authorization = try HTTPAuthorization(header: header, expecting: expected, now: now)
            return replays.admit(authorization.event.signature, now: now) == .fresh ? "ok" : "replayed"
        } catch {
            switch error {
            case .missing: return "missing"
            case .malformed: return "malformed"
            case .wrongKind: return "wrong_kind"
            case .expired: return "expired"
            case .urlMismatch: return "url_mismatch"
            case .methodMismatch: return "method_mismatch"
            case .payloadMismatch: return "payload_mismatch"
            case .payloadRequired: return "payload_required"
            case .idMismatch: return "id_mismatch"
            case .badSignature: return "bad_signature"
            }
        }
    }

    @Test("every header of the vectors gets its verdict", arguments: file.cases)
    func vector(_ vector: File.Case) throws {
        let body = try unhex(vector.request.bodyHex ?? "")
        let expected = HTTPAuthorization.Expectation(
            urls: [vector.request.url],
            method: vector.request.method,
            body: body,
            requiresPayload: !body.isEmpty
        )
        let replays = ReplayCache()
        if vector.expect == "replayed" {
            #expect(Self.verdict(vector.authorization, expected, now: vector.now, replays: replays) == "ok")
        }
        #expect(Self.verdict(vector.authorization, expected, now: vector.now, replays: replays) == vector.expect)
    }

    @Test("every header of the signer's vectors gets its verdict", arguments: signerFile.cases)
    func signerVector(_ vector: SignerFile.Case) throws {
        let expected = HTTPAuthorization.Expectation(
            urls: ["https://signer1.example.com" + vector.path],
            body: Array(vector.body.utf8)
        )
        let verdict = Self.verdict(vector.authorization, expected, now: vector.server_now)
        #expect((verdict == "ok") == vector.valid, "\(verdict)")
        let event = try NostrEvent(json: try vector.event.json)
        #expect(event.id.leadingZeroBits == vector.pow_bits)
    }

    @Test("the files of vectors are whole")
    func complete() {
        #expect(Self.file.cases.count == 21)
        #expect(Self.signerFile.cases.count == 11)
    }

    static func header(
        url: String = "https://signer.example/a",
        method: String = "POST",
        body: [UInt8]? = [1, 2],
        at time: Int64 = 1000
    ) -> String {
        let event = HTTPAuthorization.event(key: Samples.key, url: url, method: method, body: body, createdAt: time)
        return HTTPAuthorization.header(event.signed(by: Samples.secret))
    }

    @Test("what is built is accepted, by the key that signed, under each of the signer's URLs")
    func built() throws {
        let expected = HTTPAuthorization.Expectation(
            urls: ["https://signer.example/a", "https://old.example/a"],
            body: [1, 2],
            requiresPayload: true
        )
        for url in expected.urls {
            let header = Self.header(url: url)
            let accepted = try HTTPAuthorization(header: header, expecting: expected, now: 1000)
            #expect(accepted.key == Samples.key)
        }
        #expect(Self.verdict(Self.header(url: "https://other.example/a"), expected, now: 1000) == "url_mismatch")
        #expect(Self.verdict(Self.header(body: nil), expected, now: 1000) == "payload_required")
    }

    @Test(
        "scheme, host and default port of a URL may be written otherwise; nothing else may",
        arguments: [
            ("HTTPS://Signer.Example/a", true), ("https://signer.example:443/a", true),
            ("https://signer.example:80/a", false), ("https://signer.example/A", false),
            ("https://signer.example/a/", false), ("https://signer.example/a?", false),
            ("https://signer.example:4430/a", false), ("https://user@signer.example/a", false),
            ("http://signer.example/a", false), ("signer.example/a", false), ("https:///a", false), ("", false),
        ]
    )
    func urls(_ url: String, isAccepted: Bool) {
        let expected = HTTPAuthorization.Expectation(urls: ["https://signer.example/a"], body: [1, 2])
        #expect(Self.verdict(Self.header(url: url), expected, now: 1000) == (isAccepted ? "ok" : "url_mismatch"))
    }

    @Test("URLs that differ in the composition of an accent are not the same")
    func composition() {
        let expected = HTTPAuthorization.Expectation(urls: ["https://s.example/\u{e9}"], body: [1, 2])
        let header = Self.header(url: "https://s.example/e\u{301}")
        #expect(Self.verdict(header, expected, now: 1000) == "url_mismatch")
    }

    @Test("the scheme's case, spaces around the token and missing padding do not matter")
    func tolerance() throws {
        let expected = HTTPAuthorization.Expectation(urls: ["https://signer.example/a"], method: "post", body: [1, 2])
        let header = Self.header()
        let token = header.dropFirst(6)
        let bare = token.prefix { $0 != "=" }
        for text in ["NOSTR \(token)", "nostr  \(bare)", "Nostr\t\(token) ", "nOsTr \(bare)"] {
            #expect(Self.verdict(text, expected, now: 1000) == "ok")
        }
        for text in ["", "Nostr", "Nostr\(token)", "Bearer \(token)", "Nos"] {
            #expect(Self.verdict(text, expected, now: 1000) == "missing")
        }
        #expect(Self.verdict(nil, expected, now: 1000) == "missing")
        #expect(Self.verdict("Nostr " + String(repeating: "A", count: 9000), expected, now: 1000) == "malformed")
    }

    @Test("extreme times are refused, not computed with")
    func times() {
        let expected = HTTPAuthorization.Expectation(urls: ["https://signer.example/a"], body: [1, 2])
        for time in [Int64.min, -1, 939, 1061, Int64.max] {
            #expect(Self.verdict(Self.header(at: time), expected, now: 1000) == "expired")
        }
        for time: Int64 in [940, 1060] { #expect(Self.verdict(Self.header(at: time), expected, now: 1000) == "ok") }
    }

    @Test("no changed byte of a header is accepted as another request")
    func mutations() throws {
        let expected = HTTPAuthorization.Expectation(urls: ["https://signer.example/a"], body: [1, 2])
        let header = Self.header()
        let original = try HTTPAuthorization(header: header, expecting: expected, now: 1000)
        for index in header.utf8.indices {
            for replacement in ["A", "z", "=", " ", "{"] {
                var changed = header
                changed.replaceSubrange(index...index, with: replacement)
                // A change of the JSON's unused bits or of letters' spelling cannot be: the text is canonical base64.
                guard let read = try? HTTPAuthorization(header: changed, expecting: expected, now: 1000) else {
                    continue
                }
                #expect(read == original)
            }
            #expect(
                Self.verdict(String(header[..<index]), expected, now: 1000) != "ok"
                    || header[index...].allSatisfy { $0 == "=" }
            )
        }
    }

    @Test("a mined event has the work it commits to")
    func mining() throws {
        let event = HTTPAuthorization.event(
            key: Samples.key,
            url: "https://signer.example/register",
            body: Array("{}".utf8),
            createdAt: 1000
        )
        let mined = try #require(event.mined(bits: 10))
        let signed = mined.signed(by: Samples.secret)
        try signed.verify()
        #expect(signed.id.leadingZeroBits >= 10)
        #expect(signed.committedWork == 10)
        #expect(signed.hasWork(10))
        #expect(signed.hasWork(0))
        #expect(!signed.hasWork(11))
        #expect(mined.tags.dropLast() == event.tags[...])
        #expect(event.mined(bits: 255, attempts: 100) == nil)
    }

    @Test("work without a commitment, or with one below what is asked, does not count")
    func commitment() {
        func worked(_ nonce: [String]) -> NostrEvent {
            var event = UnsignedEvent(key: Samples.key, createdAt: 0, kind: 1, tags: [nonce], content: "")
            while event.id.leadingZeroBits < 4 { event.createdAt += 1 }
            return event.signed(by: Samples.secret)
        }
        #expect(worked(["nonce", "0", "4"]).hasWork(4))
        #expect(worked(["nonce", "0", "5"]).hasWork(4))
        for tag in [["nonce", "0", "3"], ["nonce", "0"], ["nonce", "0", "x"], ["nonce", "0", "4.0"], ["other"]] {
            #expect(!worked(tag).hasWork(4))
        }
    }
}

@Suite("The replay cache")
struct ReplayCacheTests {
    private func signature(_ number: Int) -> [UInt8] {
        (0..<64).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) }
    }

    @Test("a signature is accepted once within its lifetime")
    func once() {
        let cache = ReplayCache()
        #expect(cache.admit(signature(1), now: 0) == .fresh)
        #expect(cache.admit(signature(1), now: 129) == .replayed)
        #expect(cache.admit(signature(2), now: 129) == .fresh)
        #expect(cache.admit(signature(1), now: 130) == .fresh)
    }

    @Test("the lifetime covers the window on both sides")
    func covers() {
        // Signed 60 s ahead of the server, a header is accepted for 120 s.
        let cache = ReplayCache()
        #expect(cache.admit(signature(1), now: 1000) == .fresh)
        #expect(cache.admit(signature(1), now: 1000 + 2 * HTTPAuthorization.window) == .replayed)
    }

    @Test("a full cache refuses what is new and still knows what is old, until entries expire")
    func full() {
        let cache = ReplayCache(lifetime: 130, capacity: 3)
        for number in 0..<3 { #expect(cache.admit(signature(number), now: Int64(number)) == .fresh) }
        #expect(cache.admit(signature(9), now: 3) == .full)
        #expect(cache.admit(signature(0), now: 3) == .replayed)
        #expect(cache.admit(signature(9), now: 130) == .fresh)
        #expect(cache.count == 3)
    }

    @Test("of many tasks that present one signature, one is let through")
    func concurrency() async {
        let cache = ReplayCache()
        let fresh = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<500).count { cache.admit(self.signature($0), now: 5) == .fresh } }
            }
            return await group.reduce(0, +)
        }
        #expect(fresh == 500)
        #expect(cache.count == 500)
    }
}
