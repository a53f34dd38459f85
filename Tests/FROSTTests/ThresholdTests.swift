// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

/// Every threshold and size of a small group.
struct Shape: Sendable, CustomTestStringConvertible {
    let threshold, count: Int
    var testDescription: String { "\(threshold) of \(count)" }

    static let all = (2...5).flatMap { count in (2...count).map { Shape(threshold: $0, count: count) } }
}

@Suite("Groups of every shape")
struct ThresholdTests {
    /// Signs with these participants.
    func sign(
        _ message: [UInt8],
        suite: Ciphersuite,
        group: ThresholdGroup,
        shares: [KeyShare]
    ) throws -> (SigningSession, [PartialSignature]) {
        let boxes = shares.map { HeldNonces(.generate(for: $0, suite: suite)) }
        let session = try SigningSession(
            suite: suite,
            group: group,
            message: message,
            commitments: boxes.map(\.commitment)
        )
        let partials = try zip(shares, boxes).map { try session.sign(with: $0, nonces: $1.takeOnce()) }
        return (session, partials)
    }

    @Test("any quorum signs, and the signature verifies", arguments: Shape.all, Ciphersuite.allCases)
    func quorums(shape: Shape, suite: Ciphersuite) throws {
        let dealing = try Dealing(
            splitting: .random(),
            threshold: shape.threshold,
            among: Identifier.first(shape.count)
        )
        for size in shape.threshold...shape.count {
            let message = Scalar.random().rawBytes
            let shares = Array(dealing.shares.shuffled().prefix(size))
            let (session, partials) = try sign(message, suite: suite, group: dealing.group, shares: shares)
            let signature = try session.aggregate(partials.shuffled())
            #expect(signature.verifies(message, key: dealing.group.key))
            #expect(!signature.verifies(message + [0], key: dealing.group.key))
            #expect(ThresholdSignature(signature.bytes, form: suite.form) == signature)
            for share in shares {
                #expect(dealing.commitment.matches(share.secret, of: share.identifier))
                #expect(!dealing.commitment.matches(share.secret + .one, of: share.identifier))
            }
        }
    }

    @Test("a wrong part is blamed on its signer", arguments: Shape.all, Ciphersuite.allCases)
    func blame(shape: Shape, suite: Ciphersuite) throws {
        let dealing = try Dealing(
            splitting: .random(),
            threshold: shape.threshold,
            among: Identifier.first(shape.count)
        )
        let (session, partials) = try sign([7], suite: suite, group: dealing.group, shares: dealing.shares)
        var changed = partials
        changed[1] = PartialSignature(identifier: partials[1].identifier, value: partials[1].value + .one)
        #expect(throws: FROSTError.invalidPartialSignatures([partials[1].identifier])) {
            try session.aggregate(changed)
        }
        #expect(throws: FROSTError.missingIdentifier(partials[0].identifier)) {
            try session.aggregate(Array(partials.dropFirst()))
        }
        #expect(throws: FROSTError.duplicateIdentifier(partials[0].identifier)) {
            try session.aggregate(partials + [partials[0]])
        }
        #expect(throws: FROSTError.unknownIdentifier(identifier(9))) {
            try session.aggregate(partials + [PartialSignature(identifier: identifier(9), value: .one)])
        }
        for partial in partials { try session.verify(partial) }
    }

    @Test("a key made together signs after refresh and repair", arguments: Shape.all)
    func lifecycle(shape: Shape) throws {
        let everyone = Identifier.first(shape.count)
        let generations = try everyone.map { participant in
            GenerationBox(
                try KeyGeneration.begin(
                    identifier: participant,
                    threshold: shape.threshold,
                    participants: everyone,
                    suite: .pomade
                )
            )
        }
        let announcements = generations.map(\.announcement)
        var sent: [Identifier: [Identifier: Scalar]] = [:]
        for box in generations {
            for (receiver, share) in try box.receive(announcements) {
                sent[receiver, default: [:]][box.identifier] = share
            }
        }
        let results = try generations.map { try $0.finish(sent[$0.identifier] ?? [:]) }
        let group = try #require(results.first).group
        #expect(results.allSatisfy { $0.group == group } && Set(generations.map(\.transcript)).count == 1)
        #expect(
            try ThresholdGroup(threshold: group.threshold, key: group.key, publicShares: group.publicShares) == group
        )

        let dealers = try (0..<2).map { _ in try Refresh(group: group, participants: everyone) }
        let renewed = try group.refreshed(by: dealers.map(\.commitment), participants: everyone)
        var shares: [KeyShare] = []
        for share in results.map(\.share) {
            let deltas = try dealers.map { (try #require($0.deltas[share.identifier]), $0.commitment) }
            shares.append(try share.refreshed(by: deltas, of: group))
        }
        if shape.threshold < shape.count {
            let lost = shares.removeLast()
            let helpers = shares.map(\.identifier)
            var received: [Identifier: [Scalar]] = [:]
            for share in shares {
                let deltas = try Repair.deltas(of: share, helpers: helpers, target: lost.identifier, group: renewed)
                for (helper, delta) in deltas { received[helper, default: []].append(delta) }
            }
            let repaired = try Repair.share(
                of: lost.identifier,
                from: received.mapValues(Repair.sigma),
                group: renewed
            )
            #expect(repaired.secret == lost.secret)
            shares.append(repaired)
        }
        let quorum = Array(shares.shuffled().prefix(shape.threshold))
        #expect(try renewed.recoverSecret(from: quorum).point == group.key)
        let (session, partials) = try sign([1, 2, 3], suite: .pomade, group: renewed, shares: quorum)
        #expect(try session.aggregate(partials).verifies([1, 2, 3], key: group.key))
    }

    @Test("Taproot's output key signs", arguments: [nil, [UInt8](repeating: 5, count: 32)])
    func taproot(merkleRoot: [UInt8]?) throws {
        for _ in 0..<8 {
            let dealing = try Dealing(splitting: .random(), threshold: 2, among: Identifier.first(3))
            let group = try dealing.group.taprootTweaked(merkleRoot: merkleRoot)
            let shares = try dealing.shares.map { try $0.taprootTweaked(of: dealing.group, merkleRoot: merkleRoot) }
            #expect(try ThresholdGroup(threshold: 2, key: group.key, publicShares: group.publicShares) == group)
            let (session, partials) = try sign([4], suite: .taproot, group: group, shares: Array(shares.dropFirst()))
            #expect(try session.aggregate(partials).verifies([4], key: group.key))
        }
    }
}

extension HeldNonces {
    func takeOnce() throws -> SigningNonces {
        guard let nonces = take() else { throw FROSTError.nonceMismatch(commitment.identifier) }
        return nonces
    }
}

/// A participant of a key generation among others in an array.
final class GenerationBox {
    private var generation: KeyGeneration?
    private var shares: KeyGenerationShares?
    let announcement: KeyGenerationAnnouncement
    private(set) var transcript: [UInt8] = []
    var identifier: Identifier { announcement.sender }

    init(_ generation: consuming KeyGeneration) {
        announcement = generation.announcement
        self.generation = consume generation
    }

    func receive(_ announcements: [KeyGenerationAnnouncement]) throws -> [Identifier: Scalar] {
        guard let generation = generation.take() else { throw FROSTError.invalidRequest }
        let shares = try generation.receive(announcements)
        transcript = shares.transcriptHash
        let outgoing = shares.outgoing
        self.shares = consume shares
        return outgoing
    }

    func finish(_ received: [Identifier: Scalar]) throws -> (share: KeyShare, group: ThresholdGroup) {
        guard let shares = shares.take() else { throw FROSTError.invalidRequest }
        return try shares.finish(received)
    }
}
