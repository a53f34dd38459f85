// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Pomade
import Testing

@Suite("What an owner allows")
struct SessionPolicyTests {
    private let now: Int64 = 1_800_000_000
    private let user = Hex32.random()

    private func refusal(
        _ policy: SessionPolicy,
        event: String?,
        hash: [Hex32]? = nil,
        signaturesToday: Int = 0,
        now: Int64? = nil
    ) throws -> FailureCode? {
        let content = event.map { Array($0.utf8) }
        let id = try #require(Hex32(Array(SHA256.hash(data: content ?? []))))
        let request = PomadeBody.SignatureRequest(
            content: nil,
            hash: hash ?? [id],
            members: [1],
            stamp: 0,
            type: "",
            gid: .random(),
            sid: .random()
        )
        do throws(SignerFailure) {
            try policy.requireSigning(
                request,
                content: content,
                userKey: user,
                signaturesToday: signaturesToday,
                now: now ?? self.now
            )
            return nil
        } catch { return error.code }
    }

    private func event(pubkey: Hex32? = nil, at time: Int64? = nil, kind: Int = 1, tags: String = "[]") -> String {
        #"[0,"\#(pubkey ?? user)",\#(time ?? now),\#(kind),\#(tags),"text"]"#
    }

    @Test("an empty policy allows everything, even without the event")
    func empty() throws {
        #expect(try refusal(SessionPolicy(), event: nil) == nil)
        #expect(try refusal(SessionPolicy(requiresEvent: false), event: "no event", hash: [.random()]) == nil)
    }

    @Test("an event that must be shown is the one whose id is signed, by the user's key, of about now")
    func shown() throws {
        let policy = SessionPolicy(requiresEvent: true)
        #expect(try refusal(policy, event: event()) == nil)
        #expect(try refusal(policy, event: event(at: now - 900)) == nil)
        #expect(try refusal(policy, event: nil) == .policyDenied)
        #expect(try refusal(policy, event: event(), hash: [.random()]) == .policyDenied)
        #expect(try refusal(policy, event: event(pubkey: .random())) == .policyDenied)
        for time in [now - 901, now + 901, .max, .min] {
            #expect(try refusal(policy, event: event(at: time)) == .policyDenied)
        }
        let id = try #require(Hex32(Array(SHA256.hash(data: Array(event().utf8)))))
        #expect(try refusal(policy, event: event(), hash: [id, .random()]) == .policyDenied)
    }

    @Test("what is no event is refused, and never a trap")
    func malformed() throws {
        let policy = SessionPolicy(requiresEvent: true)
        let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        for text in [
            "", "{}", "[]", "null", "[0]", event() + " x", event().replacingOccurrences(of: "[0,", with: "[1,"),
            event(tags: "[[1]]"), event(tags: "{}"), event(tags: deep),
            event().replacingOccurrences(of: "1800000000", with: "1e400"),
            event().replacingOccurrences(of: ",1,[", with: ",1.5,["),
            event().replacingOccurrences(of: "\"text\"", with: "\"text\",7"),
        ] { #expect(try refusal(policy, event: text) == .policyDenied) }
    }

    @Test("a list of kinds allows those and requires the event")
    func kinds() throws {
        let policy = SessionPolicy(kinds: [1, 27235])
        #expect(try refusal(policy, event: event(kind: 27235)) == nil)
        #expect(try refusal(policy, event: event(kind: 5)) == .policyDenied)
        #expect(try refusal(policy, event: nil) == .policyDenied)
        #expect(try refusal(SessionPolicy(kinds: []), event: event()) == .policyDenied)
    }

    @Test("a day's limit and the policy's end hold")
    func limits() throws {
        let policy = SessionPolicy(maximumPerDay: 2, expiresAt: now + 10)
        #expect(try refusal(policy, event: nil, signaturesToday: 1) == nil)
        #expect(try refusal(policy, event: nil, signaturesToday: 2) == .policyDenied)
        #expect(try refusal(policy, event: nil, now: now + 9) == nil)
        #expect(try refusal(policy, event: nil, now: now + 10) == .deactivated)
    }

    @Test("a policy survives JSON with the names of the protocol, and senseless ones are refused")
    func json() throws {
        let text =
            #"{"allow_ecdh":false,"expires_at":5,"kinds":[1],"max_per_day":3,"otp":false,"recovery_delay":9,"#
            + #""require_event":true}"#
        let policy = try JSONDecoder().decode(SessionPolicy.self, from: Data(text.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(policy), as: UTF8.self) == text)
        try policy.requireSensible()
        for wrong in [
            SessionPolicy(kinds: [-1]), SessionPolicy(kinds: [65536]), SessionPolicy(kinds: Array(0...64)),
            SessionPolicy(maximumPerDay: -1), SessionPolicy(expiresAt: -1), SessionPolicy(recoveryDelay: -1),
            SessionPolicy(recoveryDelay: 31_536_001),
        ] { #expect(throws: SignerFailure.self) { try wrong.requireSensible() } }
    }
}
