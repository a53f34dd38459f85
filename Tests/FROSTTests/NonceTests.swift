// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

/// Nonces serve once, since two answers with one pair of nonces are two equations in one secret.
@Suite("Nonces")
struct NonceTests {
    struct Leak: Decodable {
        struct Victim: Decodable {
            let idx: Identifier
            let seckey, hidden_sn, binder_sn: HexBytes
        }
        struct Row: Decodable {
            let stamp: UInt32
            let sid, psig, A, S, T, P: HexBytes
        }
        let group: PomadeGroup
        let victim_share: Victim
        let members: [Identifier]
        let hash: [HexBytes]
        let equations: [Row]
        let recovered_seckey: HexBytes
    }

    /// One partial signature as an equation: share * a + hiding * s + binding * t = p.
    struct Equation {
        let a, s, t, p: Scalar

        /// Takes away a multiple of the other, so that a chosen coefficient vanishes.
        func without(_ coefficient: KeyPath<Equation, Scalar>, using other: Equation) throws -> Equation {
            let factor = self[keyPath: coefficient] * (try #require(other[keyPath: coefficient].inverse))
            return Equation(
                a: a - factor * other.a,
                s: s - factor * other.s,
                t: t - factor * other.t,
                p: p - factor * other.p
            )
        }

        /// The share that three equations give.
        static func solve(_ rows: [Equation]) throws -> Scalar {
            let first = try rows[1].without(\.s, using: rows[0])
            let second = try rows[2].without(\.s, using: rows[0])
            let last = try second.without(\.t, using: first)
            return last.p * (try #require(last.a.inverse))
        }
    }

    @Test("three answers with the same nonces give the share away, as published")
    func published() throws {
        let leak: Leak = try Vectors.load("nonce_leak")
        let rows = try leak.equations.map {
            Equation(a: try $0.A.scalar, s: try $0.S.scalar, t: try $0.T.scalar, p: try $0.P.scalar)
        }
        let share = try Equation.solve(rows)
        #expect(share.rawBytes == leak.recovered_seckey.bytes && share.rawBytes == leak.victim_share.seckey.bytes)
    }

    /// The equation that a coordinator writes down for one answer of the victim.
    static func equation(_ session: SigningSession, tweak: Scalar, answer: PartialSignature) throws -> Equation {
        let terms = try session.terms(of: answer.identifier)
        let sign: Scalar = session.groupNonce.hasEvenY ? .one : -.one
        let nonceTweak = tweak + tweak * terms.bindingFactor
        return Equation(
            a: session.shareCoefficient(of: answer.identifier),
            s: sign,
            t: sign * terms.bindingFactor,
            p: answer.value - sign * nonceTweak
        )
    }

    @Test("the attack works on reused nonces and on no nonces that the library draws", arguments: [true, false])
    func attack(isReused: Bool) throws {
        let leak: Leak = try Vectors.load("nonce_leak")
        let group = try leak.group.group
        let victim = try KeyShare(identifier: leak.victim_share.idx, secret: leak.victim_share.seckey.scalar)
        let helper = try #require(
            leak.group.commits.first { $0.idx != victim.identifier && leak.members.contains($0.idx) }
        )
        var rows: [Equation] = []
        for row in leak.equations {
            let request = try PomadeRequest(
                groupID: leak.group.id,
                members: leak.members,
                message: leak.hash[0].bytes,
                kind: "message",
                stamp: row.stamp
            )
            #expect(request.sessionID == row.sid.bytes)
            let nonces =
                isReused
                ? try chosenNonces(
                    victim.identifier,
                    hiding: leak.victim_share.hidden_sn.scalar,
                    binding: leak.victim_share.binder_sn.scalar
                ) : SigningNonces.generate(for: victim, suite: .pomade)
            let session = try request.session(
                group: group,
                commitments: [
                    nonces.commitment,
                    SigningCommitment(
                        identifier: helper.idx,
                        hiding: helper.hidden_pn.point,
                        binding: helper.binder_pn.point
                    ),
                ]
            )
            let tweak = try #require(request.nonceTweak(of: victim.identifier, session: request.sessionID))
            let answer = try session.sign(with: victim, nonces: nonces)
            if isReused { #expect(answer.value.rawBytes == row.psig.bytes) }
            rows.append(try Self.equation(session, tweak: tweak, answer: answer))
        }
        #expect(try (Equation.solve(rows) == victim.secret) == isReused)
    }

    @Test("no two pairs of fresh nonces are alike", arguments: Ciphersuite.allCases)
    func fresh(suite: Ciphersuite) throws {
        let share = try KeyShare(identifier: identifier(1), secret: .random())
        var seen: Set<Point> = []
        for _ in 0..<64 {
            let nonces = SigningNonces.generate(for: share, suite: suite)
            let commitment = nonces.commitment
            seen.formUnion([commitment.hiding, commitment.binding])
            #expect(commitment.identifier == share.identifier)
        }
        #expect(seen.count == 128)
    }

    @Test("held nonces are taken by one of many who try at once")
    func takenOnce() async throws {
        let share = try KeyShare(identifier: identifier(1), secret: .random())
        for _ in 0..<20 {
            let held = HeldNonces(.generate(for: share, suite: .pomade))
            let taken = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        guard let nonces = held.take() else { return 0 }
                        return nonces.commitment == held.commitment ? 1 : 100
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(taken == 1)
        }
    }

    @Test("a signer signs with no nonces but those it announced")
    func mismatch() throws {
        let dealing = try Dealing(splitting: .random(), threshold: 1, among: Identifier.first(2))
        let share = dealing.shares[0]
        for suite in Ciphersuite.allCases {
            let announced = SigningNonces.generate(for: share, suite: suite).commitment
            let session = try SigningSession(
                suite: suite,
                group: dealing.group,
                message: [1],
                commitments: [announced]
            )
            #expect(throws: FROSTError.nonceMismatch(share.identifier)) {
                try session.sign(with: share, nonces: .generate(for: share, suite: suite))
            }
        }
    }
}
