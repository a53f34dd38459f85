// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

@Suite("Hostile input")
struct HostileInputTests {
    let dealing: Dealing
    var group: ThresholdGroup { dealing.group }

    init() throws {
        dealing = try Dealing(splitting: .random(), threshold: 2, among: Identifier.first(3))
    }

    func commitment(_ number: Int) -> SigningCommitment {
        SigningCommitment(
            identifier: identifier(number),
            hiding: .generator,
            binding: Scalar.random().point ?? .generator
        )
    }

    @Test("an identifier is neither zero, nor negative, nor too large")
    func identifiers() {
        #expect(Identifier(0) == nil && Identifier(-1) == nil)
        #expect(Identifier(UInt64(UInt32.max)) != nil && Identifier(UInt64(UInt32.max) + 1) == nil)
        #expect(Identifier.first(0).isEmpty && Identifier.first(-1).isEmpty)
    }

    @Test("thresholds out of range")
    func thresholds() {
        for threshold in [-1, 0, 4] {
            #expect(throws: FROSTError.invalidThreshold(threshold: threshold, participants: 3)) {
                try Dealing(splitting: .random(), threshold: threshold, among: Identifier.first(3))
            }
            #expect(throws: FROSTError.invalidThreshold(threshold: threshold, participants: 3)) {
                try ThresholdGroup(threshold: threshold, key: group.key, publicShares: group.publicShares)
            }
        }
        #expect(throws: FROSTError.invalidThreshold(threshold: 1, participants: 0)) {
            try Dealing(splitting: .random(), threshold: 1, among: [])
        }
        #expect(throws: FROSTError.tooManyParticipants(1025)) {
            try Dealing(splitting: .random(), threshold: 2, among: Identifier.first(1025))
        }
    }

    @Test("zero keys and shares, and participants named twice")
    func dealings() {
        #expect(throws: FROSTError.zeroKey) {
            try Dealing(splitting: .zero, threshold: 2, among: Identifier.first(3))
        }
        #expect(throws: FROSTError.zeroKey) {
            try Dealing(polynomial: Polynomial(coefficients: [.one, .zero]), participants: Identifier.first(3))
        }
        // f(x) = 1 - x, which is zero at 1.
        #expect(throws: FROSTError.invalidShare(identifier(1))) {
            try Dealing(polynomial: Polynomial(coefficients: [.one, -.one]), participants: Identifier.first(3))
        }
        #expect(throws: FROSTError.duplicateIdentifier(identifier(2))) {
            try Dealing(splitting: .one, threshold: 2, among: [identifier(2), identifier(1), identifier(2)])
        }
        #expect(throws: FROSTError.invalidShare(identifier(1))) {
            try KeyShare(identifier: identifier(1), secret: .zero)
        }
        #expect(throws: FROSTError.invalidShare(identifier(1))) {
            try KeyShare(identifier: identifier(1), secret: .random(), commitment: dealing.commitment)
        }
    }

    @Test("cut, changed and random bytes are read as themselves or not at all")
    func parsers() {
        let bytes = commitment(1).bytes
        var candidates = (0...bytes.count + 1).map { Array((bytes + [0]).prefix($0)) }
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            candidates.append(changed)
        }
        for size in [32, 33, 64, 65, 66] {
            for _ in 0..<50 { candidates.append((0..<size).map { _ in UInt8.random(in: 0...255) }) }
            candidates.append([UInt8](repeating: 0, count: size))
            candidates.append([UInt8](repeating: 255, count: size))
        }
        for candidate in candidates {
            #expect(
                SigningCommitment(identifier: identifier(1), bytes: candidate).map { $0.bytes == candidate } ?? true
            )
            #expect(AggregateNonce(candidate).map { $0.bytes == candidate } ?? true)
            #expect(Point(candidate).map { $0.compressed == candidate } ?? true)
            #expect(Scalar(candidate).map { $0.rawBytes == candidate } ?? true)
            for form in [ThresholdSignature.Form.schnorr, .bip340] {
                let signature = ThresholdSignature(candidate, form: form)
                #expect(signature.map { !$0.verifies([1], key: group.key) } ?? true)
            }
        }
        #expect(AggregateNonce([UInt8](repeating: 0, count: 66)) == AggregateNonce(hiding: nil, binding: nil))
        #expect(SigningCommitment(identifier: identifier(1), bytes: [UInt8](repeating: 0, count: 66)) == nil)
    }

    @Test("a group whose shares do not make its key")
    func inconsistent() {
        #expect(throws: FROSTError.inconsistentGroup) {
            try ThresholdGroup(threshold: 2, key: .generator, publicShares: group.publicShares)
        }
        #expect(throws: FROSTError.inconsistentGroup) {
            try ThresholdGroup(threshold: 2, key: -group.key, publicShares: group.publicShares)
        }
        for participant in group.participants {
            var shares = group.publicShares
            shares[participant] = .generator
            #expect(throws: FROSTError.inconsistentGroup) {
                try ThresholdGroup(threshold: 2, key: group.key, publicShares: shares)
            }
        }
        #expect(throws: FROSTError.inconsistentGroup) {
            try ThresholdGroup(threshold: 1, key: group.key, publicShares: group.publicShares)
        }
    }

    @Test("signers who are strangers, too few or named twice", arguments: Ciphersuite.allCases)
    func signers(suite: Ciphersuite) {
        func session(_ commitments: [SigningCommitment]) throws {
            _ = try SigningSession(suite: suite, group: group, message: [], commitments: commitments)
        }
        #expect(throws: FROSTError.tooFewParticipants(needed: 2, given: 0)) { try session([]) }
        #expect(throws: FROSTError.tooFewParticipants(needed: 2, given: 1)) { try session([commitment(1)]) }
        #expect(throws: FROSTError.unknownIdentifier(identifier(4))) { try session([commitment(1), commitment(4)]) }
        #expect(throws: FROSTError.duplicateIdentifier(identifier(1))) {
            try session([commitment(1), commitment(1), commitment(2)])
        }
    }

    @Test("a share of another group does not sign", arguments: Ciphersuite.allCases)
    func strangers(suite: Ciphersuite) throws {
        let other = try Dealing(splitting: .random(), threshold: 2, among: Identifier.first(3))
        let nonces = SigningNonces.generate(for: other.shares[0], suite: suite)
        let announced = nonces.commitment
        let session = try SigningSession(
            suite: suite,
            group: group,
            message: [],
            commitments: [announced, commitment(2)]
        )
        do throws(FROSTError) {
            _ = try session.sign(with: other.shares[0], nonces: nonces)
            Issue.record("a stranger signed")
        } catch { #expect(error == .invalidShare(identifier(1))) }
        #expect(throws: FROSTError.unknownIdentifier(identifier(3))) {
            try session.sign(with: dealing.shares[2], nonces: .generate(for: dealing.shares[2], suite: suite))
        }
    }

    @Test("shares that are too few or not the group's recover nothing")
    func recovery() throws {
        #expect(throws: FROSTError.tooFewParticipants(needed: 2, given: 1)) {
            try group.recoverSecret(from: [dealing.shares[0]])
        }
        #expect(throws: FROSTError.duplicateIdentifier(identifier(1))) {
            try group.recoverSecret(from: [dealing.shares[0], dealing.shares[0]])
        }
        let forged = try KeyShare(identifier: identifier(2), secret: .random())
        #expect(throws: FROSTError.invalidShare(identifier(2))) {
            try group.recoverSecret(from: [dealing.shares[0], forged])
        }
    }

    @Test("Pomade's requests out of range")
    func requests() throws {
        let digest = [UInt8](repeating: 1, count: 32)
        func request(
            groupID: [UInt8] = [UInt8](repeating: 2, count: 32),
            members: [Int] = [1, 2],
            message: [UInt8] = [UInt8](repeating: 1, count: 32),
            tweaks: [Scalar] = [],
            kind: String = "message"
        ) throws -> PomadeRequest {
            try PomadeRequest(
                groupID: groupID,
                members: members.map { identifier($0) },
                message: message,
                tweaks: tweaks,
                kind: kind,
                stamp: .max
            )
        }
        #expect(throws: Never.self) { try request(tweaks: [Scalar](repeating: .one, count: 9)) }
        #expect(throws: FROSTError.invalidRequest) { try request(tweaks: [Scalar](repeating: .one, count: 10)) }
        #expect(throws: FROSTError.invalidRequest) { try request(groupID: []) }
        #expect(throws: FROSTError.invalidRequest) { try request(message: digest + [0]) }
        #expect(throws: FROSTError.invalidRequest) { try request(members: [1, 256]) }
        #expect(throws: FROSTError.invalidRequest) { try request(kind: String(repeating: "x", count: 65)) }
        #expect(throws: FROSTError.duplicateIdentifier(identifier(1))) { try request(members: [1, 1]) }
        #expect(throws: FROSTError.missingIdentifier(identifier(2))) {
            try request().session(group: group, commitments: [commitment(1), commitment(3)])
        }
        #expect(throws: FROSTError.unknownIdentifier(identifier(3))) {
            try request().session(group: group, commitments: [commitment(1), commitment(2), commitment(3)])
        }
        #expect(throws: FROSTError.duplicateIdentifier(identifier(2))) {
            try request().session(group: group, commitments: [commitment(1), commitment(2), commitment(2)])
        }
    }

    @Test("tweaks that cancel the key")
    func cancelling() throws {
        let secret = Scalar(77 as UInt64)
        let point = try #require(secret.point)
        var key = TweakedKey(point)
        let negative = -secret
        #expect(throws: FROSTError.invalidTweak) { try key.apply(negative, isXOnly: false) }
        for suite in [Ciphersuite.rfc9591, .taproot] {
            #expect(throws: FROSTError.invalidTweak) { try SigningKey(point, suite: suite, tweaks: [.one]) }
        }
    }

    @Test("nonces that cancel each other")
    func cancellingNonces() throws {
        let request = try PomadeRequest(
            groupID: [UInt8](repeating: 2, count: 32),
            members: Identifier.first(2),
            message: [UInt8](repeating: 1, count: 32),
            kind: "message",
            stamp: 1
        )
        let tweak = try #require(request.nonceTweak(of: identifier(1), session: request.sessionID)?.point)
        let cancelled = SigningCommitment(identifier: identifier(1), hiding: -tweak, binding: .generator)
        #expect(throws: FROSTError.groupNonceIsInfinity) {
            try request.session(group: group, commitments: [cancelled, commitment(2)])
        }
    }
}
