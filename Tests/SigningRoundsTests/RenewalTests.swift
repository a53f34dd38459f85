// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import Pomade
import Secp256k1
import SigningRounds
import Testing

@Suite("Shares that change while the key stays")
struct RenewalTests {
    /// A refresh dealt to the members who stay.
    static func stages(_ key: DealtKey, staying: [Int]) throws -> [Int: PomadeBody.RefreshStage] {
        let participants = staying.compactMap { Identifier($0) }
        let refresh = try Refresh(group: key.group.group, participants: participants)
        let group = try key.group.group.refreshed(by: [refresh.commitment], participants: participants)
        let commits = try participants.map { participant in
            let point = try #require(group.publicShares[participant])
            let share = try #require(Hex33(point.compressed))
            return WireCommit(idx: Int(participant.number), pubkey: share, hiddenNonce: share, binderNonce: share)
        }
        let wire = WireGroup(commits: commits, key: key.group.wire.key, threshold: key.group.wire.threshold)
        let commitments = try refresh.commitment.rest.map { try #require(Hex33($0.compressed)) }
        return try Dictionary(
            uniqueKeysWithValues: staying.map { number in
                let identifier = try #require(Identifier(number))
                let delta = try #require(refresh.deltas[identifier])
                return (
                    number,
                    PomadeBody.RefreshStage(
                        group: wire,
                        delta: .init(idx: number, delta: try #require(Hex32(delta.rawBytes))),
                        commitments: commitments
                    )
                )
            }
        )
    }

    @Test("refreshed shares make the same key, and do not mix with old ones", arguments: SigningTests.Shape.all)
    func refresh(shape: SigningTests.Shape) throws {
        let secret = Scalar.random()
        let key = try DealtKey(shape.threshold, of: shape.count, secret: secret)
        let staying = Array(1...shape.count)
        let stages = try Self.stages(key, staying: staying)
        let renewed = try key.signers.map { try $0.refreshed(by: try #require(stages[$0.number])) }
        let group = renewed[0].registered
        #expect(group.userKey == key.group.userKey && group.id != key.group.id)
        #expect(try group.group.recoverSecret(from: renewed.prefix(shape.threshold).map(\.share)) == secret)
        let mixed = [key.signers[0].share] + renewed.dropFirst().prefix(shape.threshold - 1).map(\.share)
        #expect(throws: FROSTError.self) { try group.group.recoverSecret(from: mixed) }
    }

    @Test("a member left out of a refresh is out of the group")
    func leaving() throws {
        let key = try DealtKey(2, of: 3)
        let stages = try Self.stages(key, staying: [1, 3])
        let renewed = try key.signer(3).refreshed(by: try #require(stages[3]))
        #expect(renewed.registered.group.participants.map(\.number) == [1, 3])
        #expect(refusal { _ = try key.signer(2).refreshed(by: try #require(stages[3])) } == .badShare)
    }

    @Test("a refresh that would change the key, the threshold or another's share is refused")
    func refusals() throws {
        let key = try DealtKey(2, of: 3)
        let good = try #require(Self.stages(key, staying: [1, 2, 3])[1])
        let other = try #require(Self.stages(key, staying: [1, 2, 3])[1])
        let stranger = try #require(Self.stages(try DealtKey(2, of: 3), staying: [1, 2, 3])[1])
        let tooLarge = try #require(Hex32([UInt8](repeating: 255, count: 32)))
        func refused(
            group: WireGroup? = nil,
            delta: PomadeBody.RefreshStage.Delta? = nil,
            commitments: [Hex33]? = nil
        ) -> FailureCode? {
            refusal {
                _ = try key.signer(1).refreshed(
                    by: PomadeBody.RefreshStage(
                        group: group ?? good.group,
                        delta: delta ?? good.delta,
                        commitments: commitments ?? good.commitments
                    )
                )
            }
        }
        #expect(refused() == nil)
        #expect(refused(group: stranger.group) == .badGroup)
        #expect(refused(group: other.group) == .badGroup)
        #expect(refused(group: key.group.wire) == .badGroup)
        let higher = WireGroup(commits: good.group.commits, key: good.group.key, threshold: 3)
        #expect(refused(group: higher) == .badGroup)
        #expect(refused(delta: other.delta) == .badShare)
        #expect(refused(delta: .init(idx: 2, delta: good.delta.delta)) == .badShare)
        #expect(
            refused(delta: .init(idx: 1, delta: tooLarge)) == .badShare
        )
        #expect(refused(commitments: other.commitments) == .badGroup)
        #expect(refused(commitments: []) == .badRequest)
        #expect(refused(commitments: good.commitments + good.commitments) == .badRequest)
        let single = try DealtKey(1, of: 2)
        #expect(refusal { _ = try single.signers[0].refreshed(by: good) } == .badThreshold)
    }

    @Test(
        "a lost share is made again by any helpers",
        arguments: SigningTests.Shape.all.filter { $0.threshold < $0.count }
    )
    func repair(shape: SigningTests.Shape) throws {
        let key = try DealtKey(shape.threshold, of: shape.count)
        let target = Int.random(in: 1...shape.count)
        let numbers = (1...shape.count).filter { $0 != target }.shuffled()
        for count in shape.threshold..<shape.count {
            let list = Array(numbers.prefix(count))
            var helpers = try Dictionary(
                uniqueKeysWithValues: list.map {
                    ($0, try RepairHelper(share: key.signer($0), helpers: list, target: target))
                }
            )
            for sender in list {
                for (receiver, delta) in try #require(helpers[sender]).outgoing {
                    if count > 1 { #expect(helpers[Int(receiver.number)]?.sigma == nil) }
                    try helpers[Int(receiver.number)]?.receive(delta, from: sender)
                }
            }
            var lost = try RepairTarget(group: key.group, target: target, helpers: list)
            #expect(refusal { _ = try lost.share() } == .badMembers)
            for (number, helper) in helpers { try lost.receive(try #require(helper.sigma), from: number) }
            #expect(try lost.share().share.secret == key.signer(target).share.secret)
            #expect(refusal { try lost.receive(.one, from: list[0]) } == .badMembers)
            var lied = try RepairTarget(group: key.group, target: target, helpers: list)
            for (number, helper) in helpers {
                try lied.receive(try #require(helper.sigma) + (number == list[0] ? .one : .zero), from: number)
            }
            #expect(refusal { _ = try lied.share() } == .badShare)
        }
    }

    @Test("a group makes a key together that signs, and answers each round once", arguments: [(2, 2), (2, 3), (3, 5)])
    func generation(threshold: Int, count: Int) throws {
        let numbers = Array(1...count)
        let parts = try numbers.map { try GroupGeneration(number: $0, threshold: threshold, participants: numbers) }
        let announcements = try JSONDecoder().decode(
            [PomadeBody.GenerationAnnouncement].self,
            from: try JSONEncoder().encode(parts.map(\.announcement))
        )
        let outgoing = try parts.map { try $0.receive(announcements.shuffled()) }
        #expect(refusal { _ = try parts[0].receive(announcements) } == .commitGone)
        var signers: [SignerShare] = []
        for (index, part) in parts.enumerated() {
            let own = try #require(Identifier(index + 1))
            var received: [Identifier: Scalar] = [:]
            var transcripts: [Identifier: Hex32] = [:]
            for (sender, sent) in outgoing.enumerated() where sender != index {
                let sender = try #require(Identifier(sender + 1))
                received[sender] = sent.shares[own]
                transcripts[sender] = sent.transcript
            }
            signers.append(try part.finish(received, transcripts: transcripts))
            #expect(refusal { _ = try part.finish(received, transcripts: transcripts) } == .commitGone)
        }
        #expect(Set(signers.map(\.registered)).count == 1)
        let secret = try signers[0].registered.group.recoverSecret(from: signers.suffix(threshold).map(\.share))
        #expect(secret.point?.xOnly == signers[0].registered.userKey.bytes)
    }

    @Test("a key generation told in two ways, or with a wrong share, ends")
    func splitGeneration() throws {
        func begun() throws -> (parts: [GroupGeneration], outgoing: [GroupGeneration.Outgoing]) {
            let parts = try [1, 2].map { try GroupGeneration(number: $0, threshold: 2, participants: [1, 2]) }
            return (parts, try parts.map { try $0.receive(parts.map(\.announcement)) })
        }
        let (one, two) = (try #require(Identifier(1)), try #require(Identifier(2)))
        let first = try begun()
        let share = try #require(first.outgoing[1].shares[one])
        #expect(refusal { _ = try first.parts[0].finish([two: share], transcripts: [two: .random()]) } == .badGroup)
        let second = try begun()
        let transcript = second.outgoing[1].transcript
        #expect(refusal { _ = try second.parts[0].finish([two: share], transcripts: [two: transcript]) } == .badShare)
        #expect(refusal { _ = try GroupGeneration(number: 1, threshold: 1, participants: [1, 2]) } == .badThreshold)
        for wrong in [[], [1], [1, 1], [2, 3], [1, 256], [0, 1], Array(1...6)] {
            #expect(refusal { _ = try GroupGeneration(number: 1, threshold: 2, participants: wrong) } == .badMembers)
        }
        let third = try GroupGeneration(number: 1, threshold: 2, participants: [1, 2])
        #expect(refusal { _ = try third.receive([third.announcement]) } == .badRequest)
    }
}
