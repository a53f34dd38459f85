// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import FROST
import LightningPrimitives
import Nostr
import Pomade
import PostgresTestSupport
import SealedRecords
import Secp256k1
import SigningRounds
import Testing

@testable import Signer

/// Three signers with secrets and databases of their own.
private func withThree(
    _ change: @escaping @Sendable (inout SignerConfiguration) -> Void = { _ in },
    _ body: @Sendable ([Stage]) async throws -> Void
) async throws {
    let urls = try await [TestDatabase.signer(), TestDatabase.signer(), TestDatabase.signer()]
    try await TestDatabase.withClient(of: urls[0]) { first in
        try await TestDatabase.withClient(of: urls[1]) { second in
            try await TestDatabase.withClient(of: urls[2]) { third in
                var stages: [Stage] = []
                for (client, digit) in zip([first, second, third], ["5a", "5b", "5c"]) {
                    let secret = String(repeating: digit, count: 32)
                    stages.append(try await Stage(client, secret: secret, change))
                }
                try await body(stages)
            }
        }
    }
}

private typealias Sealed = PomadeBody.SealedPart

/// What is for one signer, as it is handed to it.
private func parts(for number: Int, of all: [Int: [Sealed]]) -> [Sealed] {
    all.sorted { $0.key < $1.key }.flatMap { sender, parts in
        parts.filter { $0.idx == number }.map { Sealed(idx: sender, payload: $0.payload) }
    }
}

@Suite("Keys that signers make together")
struct KeyGenerationRouteTests {
    private let client = Hex32.random()

    private func participants(_ stages: [Stage]) -> [PomadeBody.Participant] {
        stages.enumerated().map { PomadeBody.Participant(idx: $0 + 1, identity: $1.service.identity) }
    }

    private func begin(
        _ stages: [Stage],
        threshold: Int = 2
    ) async throws -> [PomadeBody.GenerationAnnouncement] {
        var list: [PomadeBody.GenerationAnnouncement] = []
        for (index, stage) in stages.enumerated() {
            let body = PomadeBody.KeyGeneration.Begin(
                idx: index + 1,
                threshold: threshold,
                recovery: false,
                participants: participants(stages)
            )
            list.append(try await stage.service.beginGeneration(body, caller: caller(client)).announcement)
        }
        return list
    }

    private func share(
        _ stages: [Stage],
        _ announcements: [PomadeBody.GenerationAnnouncement]
    ) async throws -> [Int: [Sealed]] {
        var sealed: [Int: [Sealed]] = [:]
        for (index, stage) in stages.enumerated() {
            let body = PomadeBody.KeyGeneration.Share(announcements: announcements)
            sealed[index + 1] = try await stage.service.shareGeneration(body, caller: caller(client)).shares
        }
        return sealed
    }

    @Test("three signers make a key of which each has a share that fits, and no two the same")
    func made() async throws {
        try await withThree { stages in
            let sealed = try await share(stages, try await begin(stages))
            var groups: [WireGroup] = []
            var shares: [KeyShare] = []
            for (index, stage) in stages.enumerated() {
                let body = PomadeBody.KeyGeneration.Finish(shares: parts(for: index + 1, of: sealed))
                groups.append(try await stage.service.finishGeneration(body, caller: caller(client)).group)
                shares.append(try await stage.service.activeSession(client).share.share)
            }
            #expect(groups.allSatisfy { $0 == groups[0] })
            let group = try RegisteredGroup(groups[0]).group
            for share in shares { #expect(group.publicShares[share.identifier] == share.publicShare) }
            // Any two of the shares make the key.
            for pair in [[0, 1], [0, 2], [1, 2]] {
                let secret = try group.recoverSecret(from: pair.map { shares[$0] })
                #expect(secret.point == group.key)
            }
            #expect(
                try await stages[0].service.list(caller: caller(try RegisteredGroup(groups[0]).userKey)).items.count
                    == 1
            )
        }
    }

    @Test("what is sealed for one signer is of no use to another, in another ceremony or a second time")
    func misuse() async throws {
        try await withThree { stages in
            let first = try await share(stages, try await begin(stages))
            let second = try await share(stages, try await begin(stages))
            func finish(_ number: Int, _ shares: [Sealed]) async throws -> FailureCode? {
                try await refusal {
                    try await stages[number - 1].service.finishGeneration(
                        .init(shares: shares),
                        caller: caller(client)
                    )
                }
            }
            // Of the ceremony before.
            #expect(try await finish(1, parts(for: 1, of: first)) == .badGroup)
            // Whatever failed is over.
            #expect(try await finish(1, parts(for: 1, of: second)) == .commitGone)
            // For another.
            #expect(try await finish(2, parts(for: 3, of: second).filter { $0.idx != 2 }) == .badShare)
            // Sent on as if another had sent it, twice, or none.
            let own = parts(for: 3, of: second)
            #expect(try await finish(3, own.map { Sealed(idx: 3 - $0.idx, payload: $0.payload) }) == .badShare)
            _ = try await share(stages, try await begin(stages))
            #expect(try await finish(1, [own[0], own[0]]) == .badMembers)
            #expect(try await finish(2, []) == .badGroup)
            #expect(try await stages[0].service.list(caller: caller(client)).items.isEmpty)
        }
    }

    @Test("signers that are told different things make no key")
    func splitView() async throws {
        try await withThree { stages in
            var announcements = try await begin(stages)
            let told = announcements
            let body = PomadeBody.KeyGeneration.Begin(
                idx: 3,
                threshold: 2,
                recovery: false,
                participants: participants(stages)
            )
            announcements[2] = try await stages[2].service.beginGeneration(body, caller: caller(client)).announcement
            var sealed: [Int: [Sealed]] = [:]
            for (index, stage) in stages.enumerated() {
                let view = index == 0 ? told : announcements
                let answer = try await stage.service.shareGeneration(.init(announcements: view), caller: caller(client))
                sealed[index + 1] = answer.shares
            }
            for (index, stage) in stages.enumerated() {
                let code = try await refusal {
                    try await stage.service.finishGeneration(
                        .init(shares: parts(for: index + 1, of: sealed)),
                        caller: caller(client)
                    )
                }
                #expect(code == .badGroup || code == .badShare)
            }
        }
    }

    @Test("a begin with wrong numbers, identities, thresholds, no work or a used key is refused")
    func refusals() async throws {
        try await withThree { stages in
            let all = participants(stages)
            func begin(
                _ participants: [PomadeBody.Participant],
                idx: Int = 1,
                threshold: Int = 2,
                client: Hex32 = .random(),
                hasWork: Bool = true
            ) async throws -> FailureCode? {
                try await refusal {
                    try await stages[0].service.beginGeneration(
                        .init(idx: idx, threshold: threshold, recovery: false, participants: participants),
                        caller: caller(client, hasWork: hasWork)
                    )
                }
            }
            #expect(try await begin(all) == nil)
            #expect(try await begin(all, hasWork: false) == .powRequired)
            #expect(try await begin(all, idx: 2, threshold: 2) == .badMembers)
            #expect(try await begin(all, threshold: 1) == .badThreshold)
            #expect(try await begin(all, idx: 1, threshold: 4) == .badMembers)
            #expect(try await begin([all[0], all[1], all[1]], idx: 1, threshold: 2) == .badMembers)
            #expect(
                try await begin([all[0], .init(idx: 2, identity: all[0].identity)], idx: 1, threshold: 2) == .badMembers
            )
            #expect(
                try await begin([all[0], .init(idx: 300, identity: all[1].identity)], idx: 1, threshold: 2)
                    == .badMembers
            )
            #expect(try await begin(Array(all.dropFirst()), idx: 1, threshold: 2) == .badMembers)
            let user = try User()
            try await user.register(stages[0])
            #expect(try await begin(all, client: user.clients[0]) == .keyReused)
        }
    }
}

@Suite("Shares that are made again")
struct RepairRouteTests {
    /// A user with one client key at three signers, of which the third has lost everything.
    private func lost(_ stages: [Stage]) async throws -> (user: User, client: Hex32) {
        let user = try User()
        let client = Hex32.random()
        for place in 0..<2 {
            try await stages[place].service.register(user.body(place), caller: caller(client))
        }
        return (user, client)
    }

    private func helpers(_ stages: [Stage]) -> [PomadeBody.Participant] {
        (0..<2).map { PomadeBody.Participant(idx: $0 + 1, identity: stages[$0].service.identity) }
    }

    private static func identity(_ digit: String) throws -> Hex32 {
        let keys = try RecordKeys(secret: String(repeating: digit, count: 32))
        let secret = try #require(keys.identity.withUnsafeBytes { SecretKey(Array($0)) })
        return Hex32(certain: NostrKey(secret).bytes)
    }

    /// The helpers' sums, sealed for a target.
    private func sums(
        _ stages: [Stage],
        _ client: Hex32,
        for target: PomadeBody.Participant
    ) async throws -> [Sealed] {
        var deltas: [Int: [Sealed]] = [:]
        for place in 0..<2 {
            let body = PomadeBody.Repair.Begin(target: target, helpers: helpers(stages))
            deltas[place + 1] = try await stages[place].service.beginRepair(body, caller: caller(client)).deltas
        }
        var sums: [Sealed] = []
        for place in 0..<2 {
            let body = PomadeBody.Repair.Sum(deltas: parts(for: place + 1, of: deltas))
            let sum = try await stages[place].service.sumRepair(body, caller: caller(client)).sum
            sums.append(Sealed(idx: place + 1, payload: sum.payload))
        }
        return sums
    }

    @Test("a lost share is made again as it was, for a session that recovers nothing")
    func repaired() async throws {
        let peers = try ["5a", "5b", "5c"].map { try Self.identity($0) }
        try await withThree({ $0.peers = peers }) { stages in
            let (user, client) = try await lost(stages)
            let target = PomadeBody.Participant(idx: 3, identity: stages[2].service.identity)
            let body = PomadeBody.Repair.Take(
                group: user.group.wire,
                idx: 3,
                helpers: helpers(stages),
                sums: try await sums(stages, client, for: target)
            )
            try await stages[2].service.takeRepair(body, caller: caller(client))
            let share = try await stages[2].service.activeSession(client).share.share
            #expect(share.secret == user.dealing.shares[2].secret)
            let setup = PomadeBody.RecoverySetup(email: "thief@example.org", passwordHash: "\(Hex32.random())")
            #expect(
                try await refusal { try await stages[2].service.setUpRecovery(setup, caller: caller(client)) }
                    == .recoveryDisabled
            )
        }
    }

    @Test("nothing is sealed for an identity that the operator has not named, whoever asks")
    func thief() async throws {
        let peers = try ["5a", "5b"].map { try Self.identity($0) }
        try await withThree({ $0.peers = peers }) { stages in
            let (_, client) = try await lost(stages)
            for identity in [stages[2].service.identity, .random()] {
                let body = PomadeBody.Repair.Begin(
                    target: .init(idx: 3, identity: identity),
                    helpers: helpers(stages)
                )
                #expect(
                    try await refusal { try await stages[0].service.beginRepair(body, caller: caller(client)) }
                        == .policyDenied
                )
            }
        }
        // As installed, nobody is named.
        try await withThree { stages in
            let (_, client) = try await lost(stages)
            let target = PomadeBody.Participant(idx: 3, identity: stages[2].service.identity)
            #expect(try await refusal { try await sums(stages, client, for: target) } == .policyDenied)
        }
    }

    @Test("sums of another repair, of another's share, or of too few helpers make no share")
    func mixedUp() async throws {
        let peers = try ["5a", "5b", "5c"].map { try Self.identity($0) }
        try await withThree({ $0.peers = peers }) { stages in
            let (user, client) = try await lost(stages)
            let target = PomadeBody.Participant(idx: 3, identity: stages[2].service.identity)
            let first = try await sums(stages, client, for: target)
            let second = try await sums(stages, client, for: target)
            func take(_ idx: Int, _ sums: [Sealed]) async throws -> FailureCode? {
                let body = PomadeBody.Repair.Take(
                    group: user.group.wire,
                    idx: idx,
                    helpers: helpers(stages),
                    sums: sums
                )
                return try await refusal { try await stages[2].service.takeRepair(body, caller: caller(client)) }
            }
            // Each repair splits anew: halves of two do not add up.
            #expect(try await take(3, [first[0], second[1]]) == .badShare)
            #expect(try await take(3, [first[0]]) == .badMembers)
            #expect(try await take(3, [first[0], first[0]]) == .badMembers)
            #expect(try await take(2, first) == .badMembers)
            #expect(try await take(3, [first[1], first[0]]) == nil)
            #expect(try await take(3, first) == .keyReused)
            #expect(
                try await refusal {
                    try await stages[0].service.sumRepair(.init(deltas: []), caller: caller(client))
                } == .commitGone
            )
        }
    }
}
