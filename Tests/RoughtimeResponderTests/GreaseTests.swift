// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Roughtime
import Testing

@Suite("Answers spoiled on purpose")
struct GreaseTests {
    private static let now: Int64 = 1_800_000_000_000_000
    private static let stated = StatedTime(
        unixMicroseconds: now,
        radiusSeconds: 3,
        radiusMicroseconds: 1_000_000
    )

    private let longTerm = Curve25519.Signing.PrivateKey()
    private var publicKey: [UInt8] { Array(longTerm.publicKey.rawRepresentation) }

    private func identity() throws -> OnlineIdentity {
        let online = Curve25519.Signing.PrivateKey()
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: Self.now - 600_000_000,
                notAfter: Self.now + 86_400_000_000,
                format: profile.timeFormat
            )
            certificates[profile] = try Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        return try OnlineIdentity(longTermPublicKey: publicKey, onlineKey: online, certificates: certificates)
    }

    private func request(_ version: Version) throws -> Request {
        let length = try #require(Profile.of(version)).nonceLength
        let nonce = (0..<length).map { _ in UInt8.random(in: 0...255) }
        return try #require(Request(versions: [version], nonce: nonce, serverKey: publicKey))
    }

    @Test(
        "a spoiled answer is never longer than its request, and what verifies states the true time",
        arguments: Version.all
    )
    func neverWrong(_ version: Version) throws {
        let batch = AnswerBatch(legacySignaturesPerSecond: 0, greaseOneIn: 1, seed: 7)
        let rules = RequestRules(longTermPublicKeys: [publicKey])
        let identities = [try identity()]
        let verifier = ResponseVerifier(longTermPublicKey: publicKey)
        var accepted = 0
        var refused = 0
        for _ in 0..<8 {
            let requests = try (0..<16).map { _ in try request(version) }
            for (slot, request) in requests.enumerated() {
                batch.put(request.packet, slot)
                #expect(batch.take(slot, length: request.packet.count, rules: rules, mayGrease: true))
            }
            batch.answer(with: identities, at: Self.stated, monotonicNanoseconds: 0)
            for (slot, request) in requests.enumerated() {
                let answer = Array(batch.answer(slot))
                #expect(!answer.isEmpty && answer.count <= request.packet.count)
                guard let verified = try? verifier.verify(answer, to: request) else {
                    refused += 1
                    continue
                }
                accepted += 1
                #expect(verified.earliest <= Int128(Self.now) && Int128(Self.now) <= verified.latest)
            }
        }
        // Of four kinds a client must refuse three, in Google's version two.
        #expect(accepted > 0 && refused > 64 - 24)
        #expect(batch.takeCounts { _, _ in } == 128)
    }

    @Test("one in so many answers is spoiled, and none where it may not be")
    func share() throws {
        let batch = AnswerBatch(greaseOneIn: 16, seed: 42)
        let rules = RequestRules(longTermPublicKeys: [publicKey])
        let identities = [try identity()]
        let packet = try request(.rfc10049).packet
        var greased = 0
        for round in 0..<40 {
            for slot in 0..<AnswerBatch.capacity {
                batch.put(packet, slot)
                _ = batch.take(slot, length: packet.count, rules: rules, mayGrease: round.isMultiple(of: 2))
            }
            batch.answer(with: identities, at: Self.stated, monotonicNanoseconds: 0)
            let count = batch.takeCounts { _, _ in }
            if !round.isMultiple(of: 2) { #expect(count == 0) }
            greased += count
        }
        // 5120 answers, of which 320 are expected; the seed is fixed, so this is no dice.
        #expect((240...400).contains(greased))
    }

    @Test("a spoiled answer does not spoil those beside it")
    func neighbours() throws {
        let batch = AnswerBatch(greaseOneIn: 3, seed: 1)
        let rules = RequestRules(longTermPublicKeys: [publicKey])
        let identities = [try identity()]
        let verifier = ResponseVerifier(longTermPublicKey: publicKey)
        let requests = try (0..<AnswerBatch.capacity).map { _ in try request(.rfc10049) }
        for (slot, request) in requests.enumerated() {
            batch.put(request.packet, slot)
            _ = batch.take(slot, length: request.packet.count, rules: rules, mayGrease: true)
        }
        batch.answer(with: identities, at: Self.stated, monotonicNanoseconds: 0)
        let greased = batch.takeCounts { _, _ in }
        let verified = requests.indices.filter {
            (try? verifier.verify(Array(batch.answer($0)), to: requests[$0])) != nil
        }
        #expect(greased > 0 && verified.count >= AnswerBatch.capacity - greased)
    }

    @Test("a full batch of every version and several keys at once is answered, each by its own key")
    func everythingAtOnce() throws {
        let other = GreaseTests()
        let keys = [publicKey, other.publicKey]
        let batch = AnswerBatch(keys: 2, legacySignaturesPerSecond: 10)
        let rules = RequestRules(longTermPublicKeys: keys)
        let identities: [OnlineIdentity?] = [try identity(), try other.identity()]
        // Versions without SRV cannot say which of two keys they want.
        let versions = Version.all.filter { Profile.of($0)?.knowsServerTag == true }
        let requests = try (0..<AnswerBatch.capacity).map { number in
            try (number.isMultiple(of: 2) ? self : other).request(versions[number % versions.count])
        }
        for _ in 0..<3 {
            let answers = batch.answers(
                to: requests.map(\.packet),
                rules: rules,
                identities: identities,
                time: Self.stated
            )
            for (number, answer) in answers.enumerated() {
                let verifier = ResponseVerifier(longTermPublicKey: keys[number % 2])
                #expect(throws: Never.self) { try verifier.verify(answer.get(), to: requests[number]) }
            }
        }
        // A batch made for fewer keys refuses the others and touches nothing it does not have.
        let small = AnswerBatch(keys: 1)
        let answers = small.answers(to: requests.map(\.packet), rules: rules, identities: identities, time: Self.stated)
        #expect(answers[0] != .failure(.srv) && answers[1] == .failure(.srv))
    }
}
