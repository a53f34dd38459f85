// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Nostr
import PasswordHashing
import Pomade
import Secp256k1
import Testing

@testable import PomadeClient

@Suite("A key that several signers hold")
struct ThresholdSignerTests {
    private static func deal(
        _ signers: [StandInSigner],
        threshold: Int,
        secret: SecretKey = .random()
    ) async throws -> ThresholdSigner {
        let dealing = try KeyDealing(secret: secret, threshold: threshold, urls: signers.map(\.url))
        return try ThresholdSigner(try await dealing.register(recovery: true, work: 8))
    }

    /// A secret whose public key has an even or an odd y.
    private static func secret(isEven: Bool) -> SecretKey {
        while true {
            let secret = SecretKey.random()
            if (secret.publicKey.compressed[0] == 2) == isEven { return secret }
        }
    }

    @Test("a dealt key signs events that verify under the user's key, odd or even", arguments: [true, false])
    func signs(isEven: Bool) async throws {
        try await withSigners(3) { signers in
            let secret = Self.secret(isEven: isEven)
            let signer = try await Self.deal(signers, threshold: 2, secret: secret)
            #expect(signer.key == NostrKey(secret))
            let event = UnsignedEvent(key: signer.key, createdAt: 1_800_000_000, kind: 1, content: "together")
            let (signed, signature) = try await signer.sign(event)
            try signed.verify()
            #expect(signature.members == [1, 2] && signature.firstRound != nil)
            #expect(signers[2].served(.signCommit) == 0)
            #expect(!signers.flatMap(\.sessions).contains { !$0.isVerified })
        }
    }

    @Test("any one signer of three may fail in any way, is named as such, and asked last from then on")
    func failingSigner() async throws {
        try await withSigners(3) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            let digest = [UInt8](repeating: 7, count: 32)
            for behaviour in [StandInSigner.Behaviour.wrongPartial, .wrongNonces, .refusing, .notJSON] {
                signers[0].behave(behaviour)
                let fresh = try ThresholdSigner(signer.state)
                let signature = try await fresh.sign(digest)
                #expect(signature.members == [2, 3])
                #expect(fresh.preference == [2, 3, 1])
                #expect(fresh.faults.map(\.number) == [1])
                #expect(try #require(XOnlyPublicKey(signer.key.bytes)).verifies(signature.bytes, over: digest))
            }
        }
    }

    @Test("a signer that never answers holds nobody up for long")
    func silentSigner() async throws {
        try await withSigners(3) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            signers[0].behave(.silent)
            let signature = try await signer.sign([UInt8](repeating: 7, count: 32))
            #expect(signature.members == [2, 3])
        }
    }

    @Test("without enough signers the error names each, with what it did")
    func tooFew() async throws {
        try await withSigners(3) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            signers[0].behave(.wrongPartial)
            signers[2].behave(.refusing)
            do {
                _ = try await signer.sign([UInt8](repeating: 7, count: 32))
                Issue.record("one signer signed alone")
            } catch let error as ThresholdError {
                guard case .tooFewSigners(2, let faults) = error else { Issue.record("\(error)"); return }
                #expect(faults.map(\.number) == [1, 3])
                guard case .faulty = faults[0].problem else { Issue.record("\(faults[0])"); return }
                #expect(faults[1].problem.code == .rateLimited)
                #expect("\(error)".contains(signers[0].url) && "\(error)".contains("do not trust it"))
            }
        }
    }

    @Test("a signer that is gone is reported as unreachable")
    func unreachable() async throws {
        let dealing = try KeyDealing(secret: .random(), threshold: 1, urls: ["http://127.0.0.1:1"])
        do {
            _ = try await dealing.register(recovery: false, work: 0)
            Issue.record("nobody took the share")
        } catch let error as ThresholdError {
            guard case .tooFewSigners(1, let faults) = error, case .unreachable = faults[0].problem else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test("nonces fetched before make signing one round, and each serves once")
    func prefetched() async throws {
        try await withSigners(2) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            try await signer.prefetch(2)
            for _ in 0..<2 {
                let digest = Hex32.random().bytes
                let signature = try await signer.sign(digest)
                #expect(signature.firstRound == nil)
                #expect(try #require(XOnlyPublicKey(signer.key.bytes)).verifies(signature.bytes, over: digest))
            }
            #expect(signers[0].served(.signCommit) == 0)
            #expect(try await signer.sign(Hex32.random().bytes).firstRound != nil)
            await #expect(throws: ThresholdError.self) { try await signer.prefetch(65) }
        }
    }

    @Test("fetched nonces that the signers have lost cost a round, not the signature")
    func lostNonces() async throws {
        try await withSigners(2) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            try await signer.prefetch(1)
            signers[0].behave(.refusing)
            await #expect(throws: ThresholdError.self) { try await signer.sign(Hex32.random().bytes) }
            signers[0].behave(.honest)
            #expect(try await signer.sign(Hex32.random().bytes).members.count == 2)
        }
    }

    @Test("tweaked keys sign under the tweaked key")
    func tweaks() async throws {
        try await withSigners(2) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            let tweak = Scalar.random()
            let digest = Hex32.random().bytes
            let signature = try await signer.sign(.init(digest: digest, tweaks: [tweak]))
            let even = try #require(Point(evenWithX: signer.key.bytes))
            let key = try #require(Point.sum([even, tweak.point]))
            #expect(try #require(XOnlyPublicKey(key.xOnly)).verifies(signature.bytes, over: digest))
        }
    }

    @Test("the conversation with another is the same from both sides, and a liar is left out")
    func exchange() async throws {
        try await withSigners(3) { signers in
            let secret = SecretKey.random()
            let other = SecretKey.random()
            let signer = try await Self.deal(signers, threshold: 2, secret: secret)
            let theirs = try #require(NIP44(other, with: signer.key))
            let ours = try await signer.conversation(with: NostrKey(other))
            #expect(try theirs.decrypt(ours.encrypt(Array("for you".utf8))) == Array("for you".utf8))
            for behaviour in [StandInSigner.Behaviour.wrongExchange, .unprovenExchange] {
                signers[0].behave(behaviour)
                let fresh = try ThresholdSigner(signer.state)
                let again = try await fresh.conversation(with: NostrKey(other))
                #expect(try again.decrypt(theirs.encrypt([1])) == [1])
                #expect(fresh.preference.last == 1)
            }
            let lenient = try ThresholdSigner(signer.state)
            #expect(
                try await lenient.sharedX(with: NostrKey(other), requiresProof: false)
                    == Point(evenWithX: NostrKey(other).bytes)?.multiplied(bySecret: Scalar(secret))?.xOnly
            )
            await #expect(throws: ThresholdError.self) {
                try await signer.conversation(with: try #require(NostrKey([UInt8](repeating: 0, count: 32))))
            }
        }
    }

    @Test("the key comes back by password and by codes, and a log-in makes a client that signs")
    func recovery() async throws {
        try await withSigners(3) { signers in
            let secret = SecretKey.random()
            let signer = try await Self.deal(signers, threshold: 2, secret: secret)
            let address = "user@example.com"
            #expect(await signer.setRecovery(address: address, password: "pässword", hashing: .pomadeTest) == [])
            let access = try AccountAccess(urls: signers.map(\.url), hashing: .pomadeTest)
            #expect(
                try await access.recover(address: address, secret: .password("pässword")).rawBytes == secret.rawBytes
            )
            await #expect(throws: ThresholdError.self) {
                try await access.recover(address: address, secret: .password("password"))
            }
            await #expect(throws: ThresholdError.self) {
                try await access.recover(address: "other@example.com", secret: .password("pässword"))
            }
            #expect(await access.requestCodes(address: address) == [])
            let codes = signers.flatMap(\.codes).shuffled()
            #expect(codes.count == 3)
            signers[1].behave(.refusing)
            #expect(try await access.recover(address: address, secret: .codes(codes)).rawBytes == secret.rawBytes)
            signers[1].behave(.honest)
            let state = try await access.logIn(address: address, secret: .password("pässword"))
            #expect(state.session != signer.state.session && state.members == signer.state.members)
            let digest = Hex32.random().bytes
            let signature = try await ThresholdSigner(state).sign(digest)
            #expect(try #require(XOnlyPublicKey(signer.key.bytes)).verifies(signature.bytes, over: digest))
        }
    }

    @Test("sessions are listed, held to a policy, deactivated and deleted by the key they hold")
    func sessions() async throws {
        try await withSigners(3) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            let (listed, faults) = await signer.sessions()
            #expect(listed.map(\.signer) == [1, 2, 3] && faults.isEmpty)
            #expect(listed.allSatisfy { $0.item.client == signer.state.session && $0.item.verified == true })
            let policy = SessionPolicy(kinds: [1, 27235])
            #expect(await signer.setPolicy(policy, of: signer.state.session) == [])
            let now = unixSeconds()
            _ = try await signer.sign(UnsignedEvent(key: signer.key, createdAt: now, kind: 1))
            do {
                _ = try await signer.sign(UnsignedEvent(key: signer.key, createdAt: now, kind: 5))
                Issue.record("the policy did not hold")
            } catch let error as ThresholdError {
                guard case .tooFewSigners(_, let faults) = error else { Issue.record("\(error)"); return }
                #expect(faults.allSatisfy { $0.problem.code == .policyDenied })
            }
            let again = try ThresholdSigner(signer.state)
            #expect(await again.deactivate(signer.state.session) == [])
            await #expect(throws: ThresholdError.self) { try await again.sign(Hex32.random().bytes) }
            #expect(
                signers.flatMap(\.sessions).allSatisfy { $0.deactivatedAt != nil }
            )
        }
    }

    @Test("a client can erase its own session everywhere")
    func deletion() async throws {
        try await withSigners(3) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            #expect(await signer.delete(signer.state.session) == [])
            #expect(signers.flatMap(\.sessions).isEmpty)
        }
    }

    @Test("refreshed shares sign as before, and the old state signs no more")
    func refresh() async throws {
        try await withSigners(3) { signers in
            let signer = try await Self.deal(signers, threshold: 2)
            let state = try await signer.refresh()
            #expect(state.userKey == signer.state.userKey && state.group != signer.state.group)
            let digest = Hex32.random().bytes
            let signature = try await ThresholdSigner(state).sign(digest)
            #expect(try #require(XOnlyPublicKey(signer.key.bytes)).verifies(signature.bytes, over: digest))
            await #expect(throws: ThresholdError.self) { try await ThresholdSigner(signer.state).sign(digest) }
            signers[2].behave(.refusing)
            await #expect(throws: ThresholdError.self) { try await ThresholdSigner(state).refresh() }
            #expect(try await ThresholdSigner(state).sign(digest).members == [1, 2])
        }
    }
}
