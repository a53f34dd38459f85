// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

/// A group and its shares as Pomade's messages carry them.
struct PomadeGroup: Decodable {
    struct Commit: Decodable {
        let idx: Identifier
        let pubkey, hidden_pn, binder_pn: HexBytes
    }
    let commits: [Commit]
    let group_pk: HexBytes
    let threshold: Int

    var group: ThresholdGroup {
        get throws {
            let shares = try commits.map { ($0.idx, try $0.pubkey.point) }
            return try ThresholdGroup(
                threshold: threshold,
                key: group_pk.point,
                publicShares: Dictionary(uniqueKeysWithValues: shares)
            )
        }
    }

    var id: [UInt8] {
        get throws {
            let registered = try commits.map {
                SigningCommitment(identifier: $0.idx, hiding: try $0.hidden_pn.point, binding: try $0.binder_pn.point)
            }
            return PomadeRequest.groupID(of: registered, key: try group_pk.point)
        }
    }
}

struct PomadeShare: Decodable {
    let idx: Identifier
    let seckey: HexBytes

    var share: KeyShare { get throws { try KeyShare(identifier: idx, secret: seckey.scalar) } }
}

/// Nonces that a test chooses; the library's users cannot.
func chosenNonces(_ identifier: Identifier, hiding: Scalar, binding: Scalar) throws -> SigningNonces {
    guard let nonces = SigningNonces(identifier: identifier, hiding: hiding, binding: binding) else {
        throw FROSTError.zeroKey
    }
    return nonces
}

@Suite("Pomade's signatures")
struct PomadeTests {
    struct Case: Decodable, CustomTestStringConvertible {
        struct Request: Decodable {
            let content: HexBytes?
            let hash: [HexBytes]
            let members: [Identifier]
            let stamp: UInt32
            let type: String
            let gid, sid: HexBytes
        }
        struct Nonces: Decodable {
            let idx: Identifier
            let hidden_sn, binder_sn, hidden_pn, binder_pn: HexBytes
        }
        struct Result: Decodable {
            let idx: Identifier
            let lagrange, binding_factor, psig: HexBytes
        }
        let name: String
        let polynomial: [HexBytes]
        let vss_commitments: [HexBytes]
        let group: PomadeGroup
        let shares: [PomadeShare]
        let request: Request
        let fresh_nonces, tweaked_nonces: [Nonces]
        let signing_key, binding_prefix, group_nonce, challenge, signature: HexBytes
        let members_results: [Result]
        var testDescription: String { name }
    }
    struct File: Decodable { let cases: [Case] }

    static let cases = (try? Vectors.load("two_round_signing", as: File.self).cases) ?? []

    @Test("all 19 published sessions are there")
    func complete() {
        #expect(Self.cases.count == 19)
    }

    @Test("every part and signature of the published sessions", arguments: cases)
    func published(_ vector: Case) throws {
        let group = try vector.group.group
        let dealing = try Dealing(
            polynomial: Polynomial(coefficients: vector.polynomial.map { try $0.scalar }),
            participants: vector.shares.map(\.idx)
        )
        #expect(dealing.group == group)
        #expect(dealing.shares.map { HexBytes($0.secret.rawBytes) } == vector.shares.map(\.seckey))
        let commitment = dealing.commitment
        #expect(([commitment.constant] + commitment.rest).map { $0?.compressed } == vector.vss_commitments.map(\.bytes))
        #expect(try vector.group.id == vector.request.gid.bytes)

        let request = try PomadeRequest(
            groupID: vector.group.id,
            members: vector.request.members,
            message: vector.request.hash[0].bytes,
            tweaks: vector.request.hash.dropFirst().map { try $0.scalar },
            content: vector.request.content?.bytes,
            kind: vector.request.type,
            stamp: vector.request.stamp
        )
        #expect(request.sessionID == vector.request.sid.bytes)

        let session = try request.session(
            group: group,
            commitments: vector.fresh_nonces.map {
                SigningCommitment(identifier: $0.idx, hiding: try $0.hidden_pn.point, binding: try $0.binder_pn.point)
            }
        )
        #expect(session.verificationKey.compressed == vector.signing_key.bytes)
        #expect(session.groupNonce.compressed == vector.group_nonce.bytes)
        #expect(session.challenge.rawBytes == vector.challenge.bytes)
        for nonces in vector.tweaked_nonces {
            let terms = try session.terms(of: nonces.idx)
            #expect(terms.commitment.hiding.compressed == nonces.hidden_pn.bytes)
            #expect(terms.commitment.binding.compressed == nonces.binder_pn.bytes)
        }
        var partials: [PartialSignature] = []
        for expected in vector.members_results {
            let terms = try session.terms(of: expected.idx)
            let weight = Interpolation.weight(of: expected.idx, among: session.signers)
            #expect(weight.rawBytes == expected.lagrange.bytes)
            #expect(terms.bindingFactor.rawBytes == expected.binding_factor.bytes)
            let share = try #require(vector.shares.first { $0.idx == expected.idx }).share
            let fresh = try #require(vector.fresh_nonces.first { $0.idx == expected.idx })
            let nonces = try chosenNonces(fresh.idx, hiding: fresh.hidden_sn.scalar, binding: fresh.binder_sn.scalar)
            let partial = try session.sign(with: share, nonces: nonces)
            #expect(partial.value.rawBytes == expected.psig.bytes)
            partials.append(partial)
        }
        let signature = try session.aggregate(partials)
        #expect(signature.bytes == vector.signature.bytes)
    }

    @Test("the signature of cmdcode/frost, which binds nonces to no session")
    func withoutSession() throws {
        struct File: Decodable {
            struct Group: Decodable {
                let challenge, message, grp_pnonce, grp_pubkey, grp_prefix, sig: HexBytes
            }
            struct Member: Decodable {
                let idx: Identifier
                let seckey, snonce_h, snonce_b, pnonce_h, pnonce_b, binder, psig: HexBytes
            }
            let group: Group
            let members: [Member]
        }
        let file: File = try Vectors.load("cmdruid/spec")
        let shares = try file.members.map { try KeyShare(identifier: $0.idx, secret: $0.seckey.scalar) }
        let group = try ThresholdGroup(
            threshold: 2,
            key: file.group.grp_pubkey.point,
            publicShares: Dictionary(uniqueKeysWithValues: shares.map { ($0.identifier, $0.publicShare) })
        )
        let commitments = try file.members.map {
            SigningCommitment(identifier: $0.idx, hiding: try $0.pnonce_h.point, binding: try $0.pnonce_b.point)
        }
        let message = file.group.message.bytes
        let session = try SigningSession(suite: .pomade, group: group, message: message, commitments: commitments)
        let prefix = SigningSession.bindingPrefix(
            key: group.key,
            message: message,
            commitments: commitments,
            suite: .pomade
        )
        #expect(prefix == file.group.grp_prefix.bytes)
        #expect(session.groupNonce.compressed == file.group.grp_pnonce.bytes)
        #expect(session.challenge.rawBytes == file.group.challenge.bytes)
        var partials: [PartialSignature] = []
        for (member, share) in zip(file.members, shares) {
            #expect(try session.terms(of: member.idx).bindingFactor == member.binder.scalar)
            let nonces = try chosenNonces(member.idx, hiding: member.snonce_h.scalar, binding: member.snonce_b.scalar)
            let partial = try session.sign(with: share, nonces: nonces)
            #expect(partial.value.rawBytes == member.psig.bytes)
            partials.append(partial)
        }
        #expect(try session.aggregate(partials).bytes == file.group.sig.bytes)
    }

    @Test("H4 and H5 of cmdcode/frost")
    func otherHashes() throws {
        let file: [String: HexBytes] = try Vectors.load("cmdruid/hash")
        let hash = Ciphersuite.pomade.hash
        #expect(hash.message(try #require(file["h4_pimg"]).bytes) == file["h4_hash"]?.bytes)
        #expect(hash.commitments(try #require(file["h5_pimg"]).bytes) == file["h5_hash"]?.bytes)
    }

    @Test("shared keys with another's, and keys that are refused")
    func keyExchange() throws {
        struct File: Decodable {
            struct Case: Decodable {
                struct Part: Decodable {
                    let idx: Identifier
                    let keyshare: HexBytes
                }
                let secret, counterparty_secret, ecdh_pk, shared_point: HexBytes
                let group: PomadeGroup
                let shares: [PomadeShare]
                let members: [Identifier]
                let keyshares: [Part]
            }
            struct Reject: Decodable { let ecdh_pk: HexBytes }
            let cases: [Case]
            let reject: [Reject]
        }
        let file: File = try Vectors.load("ecdh")
        #expect(file.cases.count == 3 && file.reject.count == 5)
        for vector in file.cases {
            let group = try vector.group.group
            let other = try #require(Point(evenWithX: vector.ecdh_pk.bytes))
            var parts: [ExchangePart] = []
            for expected in vector.keyshares {
                let share = try #require(vector.shares.first { $0.idx == expected.idx }).share
                let part = try group.exchangePart(with: other, share: share, members: vector.members)
                #expect(part.point.compressed == expected.keyshare.bytes)
                parts.append(part)
            }
            let point = try group.sharedPoint(from: parts)
            #expect(point.compressed == vector.shared_point.bytes)
            #expect(try group.key.multiplied(byPublic: vector.counterparty_secret.scalar)?.xOnly == point.xOnly)
        }
        let vector = try #require(file.cases.first)
        let (group, share) = (try vector.group.group, try vector.shares[0].share)
        for reject in file.reject {
            guard let point = Point(evenWithX: reject.ecdh_pk.bytes) else { continue }
            #expect(throws: FROSTError.invalidRequest) {
                try group.exchangePart(with: point, share: share, members: group.participants)
            }
        }
        #expect(file.reject.compactMap { Point(evenWithX: $0.ecdh_pk.bytes) }.count == 1)
    }

    @Test("a part of an exchange is proven by its signer's share alone", arguments: Shape.all)
    func exchangeProofs(shape: Shape) throws {
        let dealing = try Dealing(
            splitting: .random(),
            threshold: shape.threshold,
            among: Identifier.first(shape.count)
        )
        let (group, other) = (dealing.group, try #require(Scalar.random().point))
        let shares = Array(dealing.shares.shuffled().prefix(shape.threshold))
        let members = shares.map(\.identifier)
        let parts = try shares.map {
            try group.exchangePart(with: other, share: $0, members: members, isProven: true)
        }
        for part in parts {
            try group.verify(part, with: other, members: members)
            let proof = try #require(part.proof)
            let wrong = [
                ExchangePart(identifier: part.identifier, point: part.point),
                ExchangePart(identifier: part.identifier, point: -part.point, proof: proof),
                ExchangePart(
                    identifier: part.identifier,
                    point: part.point,
                    proof: ExchangePart.Proof(challenge: proof.challenge, answer: proof.answer + .one)
                ),
                ExchangePart(
                    identifier: part.identifier,
                    point: part.point,
                    proof: ExchangePart.Proof(challenge: .zero, answer: .zero)
                ),
            ]
            for part in wrong {
                #expect(throws: FROSTError.invalidProof(part.identifier)) {
                    try group.verify(part, with: other, members: members)
                }
            }
        }
        let secret = try group.recoverSecret(from: shares)
        #expect(try group.sharedPoint(from: parts) == other.multiplied(bySecret: secret))
    }
}
