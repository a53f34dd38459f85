// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pomade
import Secp256k1
import Testing

@testable import FROST
@testable import SigningRounds

@Suite("Published sessions and exchanges")
struct VectorTests {
    struct Session: Decodable, CustomTestStringConvertible {
        struct Secrets: Decodable {
            let idx: Int
            let hidden_sn, binder_sn, hidden_pn, binder_pn: Hex33OrHex32
        }
        struct Result: Decodable {
            let idx: Int
            let psig: Hex32
            let pubkey: Hex33
        }
        let name: String
        let group: WireGroup
        let shares: [WireShare]
        let request: PomadeBody.SignatureRequest
        let fresh_nonces: [Secrets]
        let members_results: [Result]
        var testDescription: String { name }
    }

    /// A secret of 32 or a point of 33 bytes.
    struct Hex33OrHex32: Decodable {
        let bytes: [UInt8]

        init(from decoder: any Decoder) throws {
            bytes = try (try? Hex32(from: decoder).bytes) ?? Hex33(from: decoder).bytes
        }
    }

    struct Sessions: Decodable { let cases: [Session] }

    static let sessions = (try? Vectors.load("two_round_signing", as: Sessions.self).cases) ?? []

    @Test("all 19 published sessions are there")
    func complete() {
        #expect(Self.sessions.count == 19)
    }

    /// Nonces that a test chooses; nobody else can.
    static func nonces(_ identifier: Identifier, hiding: Scalar, binding: Scalar) throws -> SigningNonces {
        guard let nonces = SigningNonces(identifier: identifier, hiding: hiding, binding: binding) else {
            throw FROSTError.zeroKey
        }
        return nonces
    }

    @Test("a signer with the published nonces answers what is published", arguments: sessions)
    func published(_ vector: Session) throws {
        let group = try RegisteredGroup(vector.group)
        let client = Hex32.random()
        let pending = PendingCommits()
        let nonces = try vector.fresh_nonces.map {
            PomadeBody.Nonces(
                idx: $0.idx,
                hidden: try #require(Hex33($0.hidden_pn.bytes)),
                binder: try #require(Hex33($0.binder_pn.bytes))
            )
        }
        for expected in vector.members_results {
            let share = try SignerShare(
                group: group,
                share: try #require(vector.shares.first { $0.idx == expected.idx })
            )
            let secrets = try #require(vector.fresh_nonces.first { $0.idx == expected.idx })
            let commitment = pending.keep(
                [
                    DrawnCommit(
                        share: share,
                        members: try share.members(vector.request.members),
                        nonces: try Self.nonces(
                            share.share.identifier,
                            hiding: try #require(Scalar(secrets.hidden_sn.bytes)),
                            binding: try #require(Scalar(secrets.binder_sn.bytes))
                        )
                    )
                ],
                client: client,
                isPrefetched: false,
                now: DealtKey.now
            )[0]
            let partial = try pending.take(client: client, commitID: commitment.commitID, now: DealtKey.now)
                .complete(
                    PomadeBody.Complete(commitID: commitment.commitID, request: vector.request, nonces: nonces),
                    share: share,
                    terms: TakenCommit.Terms(now: DealtKey.now)
                )
            #expect(partial.psig == [vector.request.hash[0], expected.psig])
            #expect(partial.pubkey == expected.pubkey && partial.idx == expected.idx)
            #expect(partial.sid == vector.request.sid)
        }
    }

    struct Exchanges: Decodable {
        struct Case: Decodable {
            struct Part: Decodable {
                let idx: Int
                let keyshare: Hex33
            }
            let group: WireGroup
            let shares: [WireShare]
            let members: [Int]
            let ecdh_pk: Hex32
            let keyshares: [Part]
            let shared_point: Hex33
        }
        struct Reject: Decodable { let ecdh_pk: Hex32 }
        let cases: [Case]
        let reject: [Reject]
    }

    @Test("the published exchanges, each part with a proof that only its signer could make")
    func exchanges() throws {
        let file = try Vectors.load("ecdh", as: Exchanges.self)
        #expect(file.cases.count == 3 && file.reject.count == 5)
        for vector in file.cases {
            let group = try RegisteredGroup(vector.group)
            var answers: [PomadeContent.KeyExchange] = []
            for expected in vector.keyshares {
                let signer = try SignerShare(
                    group: group,
                    share: try #require(vector.shares.first { $0.idx == expected.idx })
                )
                let body = PomadeBody.KeyExchange(
                    idx: expected.idx,
                    members: vector.members,
                    peer: vector.ecdh_pk,
                    wantsProof: true
                )
                let answer = try signer.exchange(body, now: DealtKey.now)
                #expect(answer.keyshare == expected.keyshare && answer.members == vector.members)
                #expect(answer.peer == vector.ecdh_pk)
                answers.append(answer)
            }
            #expect(
                try group.sharedPoint(of: answers, members: vector.members, peer: vector.ecdh_pk).compressed
                    == vector.shared_point.bytes
            )
            for index in answers.indices {
                var lying = answers
                let honest = lying[index]
                lying[index] = PomadeContent.KeyExchange(
                    idx: honest.idx,
                    keyshare: group.wire.key,
                    members: honest.members,
                    peer: honest.peer,
                    proof: honest.proof
                )
                #expect(throws: FaultySigners(numbers: [honest.idx])) {
                    _ = try group.sharedPoint(of: lying, members: vector.members, peer: vector.ecdh_pk)
                }
            }
        }
    }

    @Test("keys that cannot be exchanged with, members and policies that forbid it are refused")
    func refusedExchanges() throws {
        let file = try Vectors.load("ecdh", as: Exchanges.self)
        let key = try DealtKey(2, of: 3)
        func refused(
            idx: Int = 1,
            members: [Int] = [1, 2],
            peer: Hex32,
            policy: SessionPolicy? = nil
        ) -> FailureCode? {
            refusal {
                let body = PomadeBody.KeyExchange(idx: idx, members: members, peer: peer)
                _ = try key.signer(1).exchange(body, policy: policy, now: DealtKey.now)
            }
        }
        for reject in file.reject { #expect(refused(peer: reject.ecdh_pk) == .badECDHKey) }
        let peer = key.group.userKey
        #expect(refused(peer: peer) == nil)
        #expect(refused(idx: 2, peer: peer) == .badRequest)
        for wrong in [[], [1], [2, 3], [1, 1], [1, 9], [1, -1]] {
            #expect(refused(members: wrong, peer: peer) == .badMembers)
        }
        #expect(refused(peer: peer, policy: SessionPolicy(allowsExchange: false)) == .policyDenied)
        #expect(refused(peer: peer, policy: SessionPolicy(expiresAt: DealtKey.now)) == .deactivated)
        #expect(refused(peer: peer, policy: SessionPolicy(expiresAt: DealtKey.now + 1, allowsExchange: true)) == nil)
    }
}
