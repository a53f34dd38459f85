// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

@Suite("Refresh and repair")
struct RenewalTests {
    struct File: Decodable {
        struct Delta: Decodable {
            let idx: Identifier
            let delta, new_seckey, new_pubkey: HexBytes
        }
        struct Refreshing: Decodable {
            let polynomial, commitments_without_identity: [HexBytes]
            let shares: [Delta]
        }
        struct Part: Decodable {
            let to: Identifier
            let delta: HexBytes
        }
        struct Message: Decodable {
            let from: Identifier
            let zeta: HexBytes
            let deltas: [Part]
        }
        struct Sigma: Decodable {
            let contributor: Identifier
            let sigma: HexBytes
        }
        struct Repairing: Decodable {
            let helpers: [Identifier]
            let target: Identifier
            let messages: [Message]
            let sigmas: [Sigma]
            let recovered: HexBytes
        }
        let group: PomadeGroup
        let shares: [PomadeShare]
        let refresh: Refreshing
        let repair: Repairing
    }

    let file: File
    let group: ThresholdGroup

    init() throws {
        file = try Vectors.load("refresh_repair")
        group = try file.group.group
    }

    @Test("the published refresh")
    func refresh() throws {
        let vector = file.refresh
        let refresh = try Refresh(
            polynomial: Polynomial(coefficients: vector.polynomial.map { try $0.scalar }),
            participants: group.participants
        )
        #expect(refresh.commitment.rest.map { HexBytes($0.compressed) } == vector.commitments_without_identity)
        let renewed = try group.refreshed(by: [refresh.commitment], participants: group.participants)
        #expect(renewed.key == group.key && renewed.threshold == group.threshold)
        for expected in vector.shares {
            let old = try #require(file.shares.first { $0.idx == expected.idx }).share
            let delta = try #require(refresh.deltas[expected.idx])
            #expect(delta.rawBytes == expected.delta.bytes)
            let share = try old.refreshed(by: [(delta, refresh.commitment)], of: group)
            #expect(share.secret.rawBytes == expected.new_seckey.bytes)
            #expect(share.publicShare.compressed == expected.new_pubkey.bytes)
            #expect(renewed.publicShares[expected.idx] == share.publicShare)
        }
    }

    @Test("the published repair")
    func repair() throws {
        let vector = file.repair
        for message in vector.messages {
            let weight = Interpolation.weight(of: message.from, among: vector.helpers, at: vector.target.number)
            #expect(weight.rawBytes == message.zeta.bytes)
            let share = try #require(file.shares.first { $0.idx == message.from }).share
            let deltas = try message.deltas.map { try $0.delta.scalar }
            let last = Repair.remainder(of: weight * share.secret, after: Array(deltas.dropLast()))
            #expect(last == deltas.last)
        }
        var sigmas: [Identifier: Scalar] = [:]
        for expected in vector.sigmas {
            let deltas = try vector.messages.flatMap(\.deltas).filter { $0.to == expected.contributor }
                .map { try $0.delta.scalar }
            let sigma = Repair.sigma(deltas)
            #expect(sigma.rawBytes == expected.sigma.bytes)
            sigmas[expected.contributor] = sigma
        }
        let share = try Repair.share(of: vector.target, from: sigmas, group: group)
        #expect(share.secret.rawBytes == vector.recovered.bytes)
    }

    @Test("the Zcash Foundation's sums", arguments: ["secp256k1", "secp256k1-tr"])
    func sums(folder: String) throws {
        let file: [String: [String: HexBytes]] = try Vectors.load("\(folder)/repair-share")
        let scalars = try #require(file["scalar_generation"])
        let sigmas = try #require(file["sigma_generation"])
        func sum(_ names: [String], in table: [String: HexBytes]) throws -> [UInt8] {
            Repair.sigma(try names.map { try #require(table[$0]).scalar }).rawBytes
        }
        let generated = try sum((1...3).map { "random_scalar_\($0)" }, in: scalars)
        #expect(generated == scalars["random_scalar_sum"]?.bytes)
        let target = try sum((1...4).map { "sigma_\($0)" }, in: sigmas)
        #expect(target == sigmas["sigma_sum"]?.bytes)
    }

    @Test("the Zcash Foundation's samples are read and written alike", arguments: ["secp256k1", "secp256k1-tr"])
    func samples(folder: String) throws {
        let file: [String: HexBytes] = try Vectors.load("\(folder)/samples")
        let number = try #require(file["identifier"])
        #expect(identifier(42).bytes == number.bytes)
        for name in ["element1", "element2"] {
            let bytes = try #require(file[name]).bytes
            #expect(Point(bytes)?.compressed == bytes)
        }
        #expect(try #require(file["element1"]).point == .generator)
        let scalar = try #require(file["scalar1"])
        #expect(try scalar.scalar.rawBytes == scalar.bytes)
        let proof = try #require(file["proof_of_knowledge"]).bytes
        #expect(proof.suffix(32) == scalar.bytes[...])
    }

    @Test("a new participant gets a share that signs")
    func enrolment() throws {
        let new = identifier(9)
        let larger = try group.including(new)
        let helpers = [try file.shares[0].share, try file.shares[2].share]
        var received: [Identifier: [Scalar]] = [:]
        for helper in helpers {
            let deltas = try Repair.deltas(
                of: helper,
                helpers: helpers.map(\.identifier),
                target: new,
                group: group
            )
            for (receiver, delta) in deltas { received[receiver, default: []].append(delta) }
        }
        let share = try Repair.share(of: new, from: received.mapValues(Repair.sigma), group: larger)
        #expect(share.publicShare == larger.publicShares[new])
        #expect(try larger.recoverSecret(from: [share, helpers[1]]).point == group.key)
        #expect(throws: FROSTError.duplicateIdentifier(new)) { try larger.including(new) }
    }

    @Test("wrong deltas and sums are refused")
    func hostile() throws {
        let refresh = try Refresh(group: group, participants: group.participants)
        let share = try file.shares[0].share
        #expect(throws: FROSTError.invalidShare(share.identifier)) {
            try share.refreshed(by: [(.random(), refresh.commitment)], of: group)
        }
        // A dealer that would move the key, or change the threshold.
        let moved = SharingCommitment(constant: .generator, rest: refresh.commitment.rest)
        let longer = SharingCommitment(constant: nil, rest: refresh.commitment.rest + [.generator])
        for commitment in [moved, longer] {
            #expect(throws: FROSTError.invalidCommitment(share.identifier)) {
                try group.refreshed(by: [commitment], participants: group.participants)
            }
            #expect(throws: FROSTError.invalidCommitment(share.identifier)) {
                try share.refreshed(by: [(.random(), commitment)], of: group)
            }
        }
        let helpers = [identifier(1), identifier(3)]
        #expect(throws: FROSTError.invalidShare(identifier(2))) {
            try Repair.share(of: identifier(2), from: [helpers[0]: .random(), helpers[1]: .random()], group: group)
        }
        #expect(throws: FROSTError.duplicateIdentifier(identifier(3))) {
            try Repair.deltas(of: share, helpers: helpers, target: identifier(3), group: group)
        }
        #expect(throws: FROSTError.tooFewParticipants(needed: 2, given: 1)) {
            try Repair.deltas(of: share, helpers: [identifier(1)], target: identifier(2), group: group)
        }
    }
}
