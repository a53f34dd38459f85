// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import HTTPTypes
import Nostr
import Pomade
import Secp256k1
import Signer
import SigningRounds
import Testing

@testable import SignerServer

@Suite("Hostile requests")
struct HostileTests {
    private static let bodies = [
        "{}", "[]", "null", "1", "\"\"", #"{"":{}}"#, #"{"members":[]}"#, #"{"members":[1e999]}"#,
        #"{"members":[99999999999999999999999999]}"#, #"{"members":[-1,-2]}"#, #"{"members":{"0":1}}"#,
        #"{"members":[1],"members":[2]}"#, #"{"share":{"idx":0,"seckey":""},"group":{},"recovery":1}"#,
        #"{"client":"zz"}"#, #"{"client":"\#(String(repeating: "0", count: 64))"}"#, #"{"auth":{}}"#,
        #"{"auth":{"email_hash":"é","otp":1}}"#,
        #"{"prefix":"٤٢","email_hash":"\#(String(repeating: "0", count: 64))"}"#,
        #"{"email":"\u0000@\u0000","password_hash":"\#(String(repeating: "0", count: 64))"}"#,
        String(repeating: "[", count: 5000),
        String(repeating: #"{"a":"#, count: 31) + "1" + String(repeating: "}", count: 31),
        #"{"commit_id":"\#(String(repeating: "0", count: 64))","request":{"content":"zz","hash":[],"members":[1],"stamp":4294967296,"type":"","gid":"","sid":""},"pnonces":[]}"#,
    ]

    @Test("no route falls over any body: each is refused in the signer's own words", arguments: SignerRoute.allCases)
    func bodies(route: SignerRoute) async throws {
        try await Door.with { door in
            let person = try Person()
            #expect(try await door.call("/register", person.client, person.registration).isOK)
            for body in Self.bodies {
                for key in [person.client, person.secret, .random()] {
                    let reply = await door.call(route.rawValue, key, raw: Array(body.utf8))
                    #expect([200, 400].contains(reply.status), "\(route) \(body.prefix(60)): \(reply.text)")
                    #expect(reply.object["ok"] is Bool && reply.object["message"] is String)
                    #expect(reply.code != "internal", "\(route) \(body.prefix(60)): \(reply.text)")
                }
            }
        }
    }

    @Test("a completion that is damaged anywhere is refused, spends its nonces and stops nothing")
    func damagedCompletions() async throws {
        try await Door.with { door in
            let person = try Person()
            #expect(try await door.call("/register", person.client, person.registration).isOK)
            var generator = SystemRandomNumberGenerator()
            for round in 0..<300 {
                let reply = try await door.call("/sign/commit", person.client, PomadeBody.Commit(members: [1]))
                let commit = try JSONDecoder().decode(
                    PomadeContent.Result<PomadeContent.Commitment>.self,
                    from: Data(reply.text.utf8)
                ).result
                var body = Array(try JSONEncoder().encode(try Self.completion(of: commit, person)))
                if round == 0 {
                    #expect(await door.call("/sign/complete", person.client, raw: body).isOK)
                    continue
                }
                let place = Int.random(in: body.indices, using: &generator)
                if round.isMultiple(of: 3) {
                    body.removeSubrange(place...)
                } else {
                    body[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
                let answer = await door.call("/sign/complete", person.client, raw: body)
                #expect([200, 400].contains(answer.status) && answer.code != "internal", "\(answer.text)")
            }
        }
    }

    private static func completion(of commit: PomadeContent.Commitment, _ person: Person) throws -> PomadeBody.Complete
    {
        let group = try RegisteredGroup(person.group)
        let hash = Hex32.random()
        let sid = PomadeRequest.sessionID(
            groupID: group.id,
            members: [try #require(Identifier(1))],
            hashes: hash.bytes,
            content: nil,
            kind: "message",
            stamp: 7
        )
        return PomadeBody.Complete(
            commitID: commit.commitID,
            request: PomadeBody.SignatureRequest(
                content: nil,
                hash: [hash],
                members: [1],
                stamp: 7,
                type: "message",
                gid: Hex32(certain: group.id),
                sid: Hex32(certain: sid)
            ),
            nonces: [PomadeBody.Nonces(idx: 1, hidden: commit.hidden, binder: commit.binder)]
        )
    }

    @Test("events that are damaged anywhere authorise nothing")
    func damagedEvents() async throws {
        try await Door.with { door in
            let key = SecretKey.random()
            let body = Array("{}".utf8)
            let event = HTTPAuthorization.event(
                key: NostrKey(key),
                url: door.url + "/session/list",
                body: body,
                createdAt: door.now()
            ).signed(by: key)
            let good = Array(HTTPAuthorization.header(event).utf8)
            var generator = SystemRandomNumberGenerator()
            for round in 0..<600 {
                var bytes = good
                if round.isMultiple(of: 2) {
                    bytes.removeSubrange(Int.random(in: 6..<(good.count - 8), using: &generator)...)
                } else {
                    // Within base64's alphabet, so that it reaches the event's reader.
                    let place = Int.random(in: 6..<(good.count - 8), using: &generator)
                    let other = UInt8(ascii: "A") + UInt8.random(in: 0..<26, using: &generator)
                    if bytes[place] == other { continue }
                    bytes[place] = other
                }
                let headers: HTTPFields = [.authorization: String(decoding: bytes, as: UTF8.self)]
                let reply = await door.send(.post, "/session/list", body: body, headers: headers)
                #expect(reply.status == 200 && reply.code == "auth_failed", "\(reply.text)")
            }
        }
    }

    @Test("the client's key does nothing that is the user's, and another's client nothing of a session")
    func crossed() async throws {
        try await Door.with { door in
            let (person, other) = (try Person(), try Person())
            for one in [person, other] {
                #expect(try await door.call("/register", one.client, one.registration).isOK)
            }
            let selection = PomadeBody.Selection(client: person.clientKey)
            for route in ["/session/deactivate", "/session/delete"] {
                for key in [person.client, other.secret, other.client] {
                    #expect(try await door.call(route, key, selection).code == "not_found")
                }
            }
            for route in ["/login/select", "/recovery/select"] {
                let reply = try await door.call(route, other.client, selection)
                #expect(["no_login", "no_recovery"].contains(reply.code))
            }
            #expect(try await door.call("/register", person.client, other.registration).code == "key_reused")
        }
    }

    @Test("no reply and no log line holds a share, a code or a password's hash, but the recovery's answer its share")
    func secrets() async throws {
        try await Door.with { door in
            let person = try Person()
            let hash = QuickHashing.hash(Array(person.email.utf8), door.url)
            #expect(try await door.call("/register", person.client, person.registration).isOK)
            let setup = PomadeBody.RecoverySetup(email: person.email, passwordHash: "\(person.passwordHash)")
            #expect(try await door.call("/recovery/setup", person.client, setup).isOK)
            let commit = try await door.call("/sign/commit", person.client, PomadeBody.Commit(members: [1]))
            #expect(commit.isOK)
            let password = PomadeBody.Start(auth: .init(emailHash: hash, secret: .passwordHash(person.passwordHash)))
            let (login, recovery) = (SecretKey.random(), SecretKey.random())
            #expect(try await door.call("/login/start", login, password).isOK)
            #expect(try await door.call("/login/select", login, PomadeBody.Selection(client: person.clientKey)).isOK)
            let challenge = PomadeBody.Challenge(prefix: "42", emailHash: hash)
            #expect(try await door.call("/challenge", .random(), challenge).isOK)
            var code: String?
            while code == nil {
                await Task.yield()
                code = door.letters.code
            }
            let byCode = PomadeBody.Start(auth: .init(emailHash: hash, secret: .code(try #require(code))))
            let wrong = PomadeBody.Start(
                auth: .init(emailHash: hash, secret: .code("42" + String(repeating: "1", count: 10)))
            )
            #expect(try await door.call("/recovery/start", .random(), wrong).code == "no_sessions")
            #expect(try await door.call("/recovery/start", recovery, byCode).isOK)
            let share = try await door.call(
                "/recovery/select",
                recovery,
                PomadeBody.Selection(client: person.clientKey)
            )
            #expect(share.isOK && share.text.contains(person.shareText))
            #expect(try await door.call("/session/list", person.secret, [String: String]()).isOK)
            #expect(try await door.call("/x/audit", person.secret, [String: String]()).isOK)
            // What goes wrong inside is logged: it must not say more.
            for route in SignerRoute.allCases {
                _ = await door.call(route.rawValue, person.client, raw: Array("{}".utf8))
            }
            let secrets = [person.shareText, "\(person.passwordHash)", try #require(code)]
            for (path, text) in door.replies.all where path != "/recovery/select" {
                for secret in secrets { #expect(!text.contains(secret), "\(path)") }
            }
            for secret in secrets + [person.email, "\(hash)", "\(person.clientKey)"] {
                #expect(!door.logs.text.contains(secret))
            }
        }
    }

    @Test("whatever is asked about an address, known or not, the answer to a challenge is the same, byte for byte")
    func challenges() async throws {
        try await Door.with { door in
            let person = try Person()
            let hash = QuickHashing.hash(Array(person.email.utf8), door.url)
            #expect(try await door.call("/register", person.client, person.registration).isOK)
            let setup = PomadeBody.RecoverySetup(email: person.email, passwordHash: "\(person.passwordHash)")
            #expect(try await door.call("/recovery/setup", person.client, setup).isOK)
            var answers: Set<[String: String]> = []
            for emailHash in [hash, .random(), hash, hash, hash, hash, .random()] {
                let body = PomadeBody.Challenge(prefix: "42", emailHash: emailHash)
                let reply = try await door.call("/challenge", .random(), body)
                answers.insert(reply.object.mapValues { "\($0)" })
            }
            #expect(answers.count == 1 && answers.first?["ok"] != nil)
        }
    }
}
