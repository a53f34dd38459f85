// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Nostr
import Pomade
import Postgres
import Secp256k1
import Testing

@testable import Signer

@Suite("Registering")
struct RegistrationTests {
    @Test("a registered share signs with another signer's, and the signature is the user's")
    func signing() async throws {
        try await Stage.with { first in
            try await Stage.with { second in
                let user = try User()
                try await user.register(first, 0)
                try await user.register(second, 1)
                try await user.sign(first.service, second.service)
            }
        }
    }

    @Test("checks come in their order: a used key, then work, then the group")
    func order() async throws {
        try await Stage.with({ $0.registrationWork = 16 }) { stage in
            let user = try User()
            let wrong = PomadeBody.Register(
                share: WireShare(user.dealing.shares[1]),
                group: WireGroup(commits: user.group.wire.commits, key: user.group.wire.key, threshold: 4),
                recovery: true
            )
            let lazy = caller(user.clients[0], hasWork: false)
            #expect(try await refusal { try await stage.service.register(wrong, caller: lazy) } == .powRequired)
            let able = caller(user.clients[0])
            #expect(try await refusal { try await stage.service.register(wrong, caller: able) } == .badThreshold)
            try await stage.service.register(user.body(), caller: able)
            #expect(try await refusal { try await stage.service.register(wrong, caller: lazy) } == .keyReused)
        }
    }

    @Test("a share of another group is refused, and nothing of it is kept")
    func foreignShare() async throws {
        try await Stage.with { stage in
            let (user, other) = (try User(), try User())
            let body = PomadeBody.Register(
                share: WireShare(other.dealing.shares[0]),
                group: user.group.wire,
                recovery: true
            )
            #expect(
                try await refusal { try await stage.service.register(body, caller: caller(.random())) } == .badShare
            )
            let rows = try await stage.client.query(.init("t", "SELECT count(*) FROM signer.shares"))
            #expect(try rows[0].int8(0) == 0)
        }
    }

    @Test("who proves to be the user is verified; a wrong proof is refused, none is not")
    func proof() async throws {
        try await Stage.with { stage in
            let secret = SecretKey.random()
            let dealing = try Dealing(splitting: Scalar(secret), threshold: 2, among: Identifier.first(2))
            let commits = try dealing.shares.map { share in
                let point = try #require(Hex33(share.publicShare.compressed))
                return WireCommit(
                    idx: Int(share.identifier.number),
                    pubkey: point,
                    hiddenNonce: point,
                    binderNonce: point
                )
            }
            let key = try #require(Hex33(dealing.group.key.compressed))
            let group = WireGroup(commits: commits, key: key, threshold: 2)
            let bare = PomadeBody.Register(share: WireShare(dealing.shares[0]), group: group, recovery: true)
            func body(_ signer: SecretKey, payload: [UInt8]) -> PomadeBody.Register {
                var event = HTTPAuthorization.event(
                    key: NostrKey(signer),
                    url: Stage.url + "/register",
                    body: [],
                    createdAt: stage.clock.now
                )
                event.tags[2][1] = Hex32(certain: payload).description
                return PomadeBody.Register(
                    share: bare.share,
                    group: group,
                    recovery: true,
                    proof: event.signed(by: signer)
                )
            }
            let good = body(secret, payload: bare.proofPayload)
            let others = body(.random(), payload: bare.proofPayload)
            let aboutOther = body(secret, payload: Hex32.random().bytes)
            for wrong in [others, aboutOther] {
                let code = try await refusal { try await stage.service.register(wrong, caller: caller(.random())) }
                #expect(code == .authFailed)
            }
            try await stage.service.register(good, caller: caller(.random()))
            try await stage.service.register(bare, caller: caller(.random()))
            let user = try #require(Hex32(secret.publicKey.xOnly))
            let items = try await stage.service.list(caller: caller(user)).items
            #expect(Set(items.compactMap(\.verified)) == [true, false])
        }
    }

    @Test("strangers cannot use up the places of a key's owner")
    func places() async throws {
        try await Stage.with({ $0.sessionsPerUser = 2 }) { stage in
            let user = try User()
            for _ in 0..<2 { try await stage.service.register(user.body(), caller: caller(.random())) }
            let third = Hex32.random()
            #expect(
                try await refusal { try await stage.service.register(user.body(), caller: caller(third)) }
                    == .tooManySessions
            )
            let items = try await stage.service.list(caller: caller(user.key)).items
            try await stage.service.deactivate(.init(client: items[0].client), caller: caller(user.key))
            try await stage.service.register(user.body(), caller: caller(third))
        }
    }

    @Test("many registrations at once of one key lead to one session each, and of one client's key to one")
    func races() async throws {
        try await Stage.with { stage in
            let user = try User()
            let client = Hex32.random()
            let codes = try await withThrowingTaskGroup(of: FailureCode?.self) { group in
                for place in 0..<8 {
                    let key = place < 4 ? client : Hex32.random()
                    group.addTask {
                        try await refusal { try await stage.service.register(user.body(), caller: caller(key)) }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == .keyReused }.count == 3)
            #expect(codes.filter { $0 == nil }.count == 5)
            let rows = try await stage.client.query(.init("t", "SELECT count(*) FROM signer.shares"))
            #expect(try rows[0].int8(0) == 1)
        }
    }
}
