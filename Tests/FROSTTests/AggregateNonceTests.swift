// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

/// The vectors of the BIP 445 draft, whose participants count from zero.
@Suite("The BIP 445 draft")
struct AggregateNonceTests {
    /// What a parser refuses before the library sees it.
    struct Malformed: Error {}

    struct Case: Decodable {
        struct Failure: Decodable {
            let type: String
            let message: String?
            let contrib: String?

            /// Whether the fault is one of encoding, which a parser finds.
            var isMalformed: Bool {
                contrib != nil
                    || ["pubshare at index", "secnonce", "out of range.", "32-byte", "is_xonly"].contains {
                        message?.contains($0) == true && message?.contains("identifier") == false
                            && message?.contains("secret share") == false
                    }
            }
        }
        let tc_id: Int
        let my_id: Int?
        let ids, pubshare_indices: [Int]
        let pubnonce_indices: [Int]?
        let secshare_index, secnonce_index, signer_index: Int?
        let aggnonce, aggothernonce, msg, psig, rand: HexBytes?
        let tweak_indices: [Int]?
        let tweaks: [HexBytes]?
        let is_xonly: [Bool]?
        let psigs: [HexBytes]?
        let error: Failure?
    }
    struct Valid<Expected: Decodable>: Decodable {
        let inputs: Case
        let expected: Expected

        enum Key: CodingKey { case expected }
        init(from decoder: any Decoder) throws {
            inputs = try Case(from: decoder)
            expected = try decoder.container(keyedBy: Key.self).decode(Expected.self, forKey: .expected)
        }
    }
    struct Group<Expected: Decodable>: Decodable {
        let tg_id: String
        let t, n: Int
        let thresh_pk: HexBytes
        let pubshares: [HexBytes]
        let pubnonces, secshares, secnonces, tweaks: [HexBytes]?
        let valid_tests: [Valid<Expected>]
        let error_tests, sign_error_tests, verify_fail_tests, verify_error_tests: [Case]?

        /// The group in which the signers of a case have the public shares that the case gives them.
        func group(_ inputs: Case) throws -> ThresholdGroup {
            var shares: [Identifier: Point] = [:]
            for (id, share) in pubshares.prefix(n).enumerated() { shares[identifier(id + 1)] = Point(share.bytes) }
            for (id, index) in zip(inputs.ids, inputs.pubshare_indices) {
                guard let share = Point(pubshares[index].bytes) else { throw Malformed() }
                if id < n { shares[identifier(id + 1)] = share }
            }
            return try ThresholdGroup(threshold: t, key: thresh_pk.point, publicShares: shares)
        }

        func share(_ inputs: Case) throws -> KeyShare {
            let (id, index) = (try #require(inputs.my_id), try #require(inputs.secshare_index))
            guard let secret = Scalar(try #require(secshares)[index].bytes) else { throw Malformed() }
            return try KeyShare(identifier: identifier(id + 1), secret: secret)
        }

        func nonces(_ inputs: Case) throws -> SigningNonces {
            let (id, index) = (try #require(inputs.my_id), try #require(inputs.secnonce_index))
            let bytes = try #require(secnonces)[index].bytes
            guard let hiding = Scalar(bytes.prefix(32)), let binding = Scalar(bytes.suffix(32)),
                let nonces = SigningNonces(identifier: identifier(id + 1), hiding: hiding, binding: binding)
            else { throw Malformed() }
            return nonces
        }

        func tweaks(_ inputs: Case) throws -> [KeyTweak] {
            let values = inputs.tweaks ?? inputs.tweak_indices?.map { (self.tweaks ?? [])[$0] } ?? []
            // A tweak without its mode cannot be written with the library's types.
            guard values.count == inputs.is_xonly?.count ?? 0 else { throw Malformed() }
            return try zip(values, inputs.is_xonly ?? []).map { value, isXOnly in
                guard let scalar = Scalar(value.bytes) else { throw Malformed() }
                return KeyTweak(scalar, isXOnly: isXOnly)
            }
        }

        func session(_ inputs: Case, nonce: AggregateNonce? = nil) throws -> AggregateNonceSession {
            guard let nonce = nonce ?? inputs.aggnonce.flatMap({ AggregateNonce($0.bytes) }) else { throw Malformed() }
            return try AggregateNonceSession(
                group: group(inputs),
                signers: inputs.ids.map { identifier($0 + 1) },
                nonce: nonce,
                tweaks: tweaks(inputs),
                message: inputs.msg?.bytes ?? []
            )
        }

        func sign(_ inputs: Case) throws -> PartialSignature {
            let nonces = try nonces(inputs)
            return try session(inputs).sign(with: share(inputs), nonces: nonces)
        }

        func signLast(_ inputs: Case) throws -> (commitment: SigningCommitment, partial: PartialSignature) {
            let others = try inputs.aggothernonce.map {
                guard let nonce = AggregateNonce($0.bytes) else { throw Malformed() }
                return nonce
            }
            return try AggregateNonceSession.signLast(
                with: share(inputs),
                group: group(inputs),
                signers: inputs.ids.map { identifier($0 + 1) },
                others: others,
                tweaks: tweaks(inputs),
                message: inputs.msg?.bytes ?? [],
                randomness: inputs.rand?.bytes
            )
        }

        func verify(_ inputs: Case) throws {
            let commitments = try zip(inputs.ids, inputs.pubnonce_indices ?? []).map { id, index in
                let bytes = try #require(pubnonces)[index].bytes
                guard let commitment = SigningCommitment(identifier: identifier(id + 1), bytes: bytes) else {
                    throw Malformed()
                }
                return commitment
            }
            let commitment = commitments[try #require(inputs.signer_index)]
            guard let value = Scalar(try #require(inputs.psig).bytes) else { throw Malformed() }
            try session(inputs, nonce: AggregateNonce(commitments)).verify(
                PartialSignature(identifier: commitment.identifier, value: value),
                commitment: commitment
            )
        }

        func aggregate(_ inputs: Case) throws -> ThresholdSignature {
            let partials = try zip(inputs.ids, inputs.psigs ?? []).map { id, psig in
                guard let value = Scalar(psig.bytes) else { throw Malformed() }
                return PartialSignature(identifier: identifier(id + 1), value: value)
            }
            return try session(inputs).aggregate(partials)
        }
    }
    struct File<Expected: Decodable>: Decodable { let test_groups: [Group<Expected>] }

    /// Runs a case that must fail, and tells parsers' faults from the library's.
    func expectFailure(_ inputs: Case, in group: String, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("\(group) case \(inputs.tc_id) passed")
        } catch is Malformed {
            #expect(inputs.error?.isMalformed ?? true, "\(group) case \(inputs.tc_id)")
        } catch {
            #expect(error is FROSTError, "\(group) case \(inputs.tc_id)")
        }
    }

    @Test("nonces from given randomness")
    func nonces() throws {
        struct File: Decodable {
            struct Case: Decodable {
                let rand_: HexBytes
                let secshare, pubshare, thresh_pk, msg, extra_in: HexBytes?
                let expected: [HexBytes]
            }
            let valid_tests: [Case]
        }
        let file: File = try Vectors.load("bip445/nonce_gen_vectors")
        #expect(file.valid_tests.count == 5)
        for vector in file.valid_tests {
            let nonces = SigningNonces(
                identifier: identifier(1),
                randomness: vector.rand_.bytes,
                secret: try vector.secshare?.scalar,
                publicShare: try vector.pubshare?.point,
                key: vector.thresh_pk?.bytes,
                message: vector.msg?.bytes,
                extra: vector.extra_in?.bytes ?? []
            )
            guard let nonces else { throw Malformed() }
            #expect(nonces.hiding.rawBytes + nonces.binding.rawBytes == vector.expected[0].bytes)
            #expect(nonces.commitment.bytes == vector.expected[1].bytes)
        }
    }

    @Test("sums of nonces")
    func sums() throws {
        struct File: Decodable {
            struct Case: Decodable {
                let pubnonce_indices: [Int]
                let expected: HexBytes?
            }
            let pubnonces: [HexBytes]
            let valid_tests, error_tests: [Case]
        }
        let file: File = try Vectors.load("bip445/nonce_agg_vectors")
        func commitments(_ vector: File.Case) -> [SigningCommitment?] {
            vector.pubnonce_indices.map {
                SigningCommitment(identifier: identifier(1), bytes: file.pubnonces[$0].bytes)
            }
        }
        for vector in file.valid_tests {
            let nonce = AggregateNonce(commitments(vector).compactMap { $0 })
            #expect(nonce.bytes == vector.expected?.bytes && AggregateNonce(nonce.bytes) == nonce)
        }
        #expect(file.valid_tests.count == 2 && file.error_tests.count == 3)
        for vector in file.error_tests { #expect(commitments(vector).contains(nil)) }
    }

    @Test("signing and verifying parts")
    func signing() throws {
        let file: File<HexBytes> = try Vectors.load("bip445/sign_verify_vectors")
        #expect(file.test_groups.count == 4)
        for group in file.test_groups {
            for vector in group.valid_tests {
                #expect(try group.sign(vector.inputs).value.rawBytes == vector.expected.bytes)
            }
            for inputs in group.sign_error_tests ?? [] {
                expectFailure(inputs, in: group.tg_id) { _ = try group.sign(inputs) }
            }
            for inputs in (group.verify_fail_tests ?? []) + (group.verify_error_tests ?? []) {
                expectFailure(inputs, in: group.tg_id) { try group.verify(inputs) }
            }
        }
    }

    @Test("tweaked keys")
    func tweaks() throws {
        let file: File<HexBytes> = try Vectors.load("bip445/tweak_vectors")
        #expect(file.test_groups.count == 4)
        for group in file.test_groups {
            for vector in group.valid_tests {
                #expect(try group.sign(vector.inputs).value.rawBytes == vector.expected.bytes)
            }
            for inputs in group.error_tests ?? [] {
                expectFailure(inputs, in: group.tg_id) { _ = try group.sign(inputs) }
            }
        }
    }

    @Test("signatures from parts")
    func aggregation() throws {
        let file: File<HexBytes> = try Vectors.load("bip445/sig_agg_vectors")
        #expect(file.test_groups.count == 4)
        for group in file.test_groups {
            for vector in group.valid_tests {
                #expect(try group.aggregate(vector.inputs).bytes == vector.expected.bytes)
            }
            for inputs in group.error_tests ?? [] {
                expectFailure(inputs, in: group.tg_id) { _ = try group.aggregate(inputs) }
            }
        }
    }

    @Test("the last signer signs without a first round")
    func deterministic() throws {
        let file: File<[HexBytes]> = try Vectors.load("bip445/det_sign_vectors")
        #expect(file.test_groups.count == 4)
        for group in file.test_groups {
            for vector in group.valid_tests {
                let result = try group.signLast(vector.inputs)
                #expect(result.commitment.bytes == vector.expected[0].bytes)
                #expect(result.partial.value.rawBytes == vector.expected[1].bytes)
            }
            for inputs in group.error_tests ?? [] {
                expectFailure(inputs, in: group.tg_id) { _ = try group.signLast(inputs) }
            }
        }
    }

    @Test("the last signer of several needs the others' nonces, and a single one has none")
    func others() throws {
        let dealing = try Dealing(splitting: .random(), threshold: 1, among: Identifier.first(2))
        func sign(_ signers: [Identifier], _ others: AggregateNonce?, randomness: [UInt8]? = nil) throws {
            _ = try AggregateNonceSession.signLast(
                with: dealing.shares[0],
                group: dealing.group,
                signers: signers,
                others: others,
                message: [],
                randomness: randomness
            )
        }
        let both = dealing.group.participants
        let nonce = AggregateNonce(hiding: .generator, binding: .generator)
        try sign(both, nonce)
        try sign([both[0]], nil)
        #expect(throws: FROSTError.invalidRequest) { try sign(both, nil) }
        #expect(throws: FROSTError.invalidRequest) { try sign([both[0]], nonce) }
        #expect(throws: FROSTError.invalidRequest) { try sign(both, nonce, randomness: [1]) }
        #expect(throws: FROSTError.groupNonceIsInfinity) {
            try sign(both, AggregateNonce(hiding: nil, binding: .generator))
        }
        #expect(throws: FROSTError.unknownIdentifier(both[0])) { try sign([both[1]], nil) }
    }

    @Test("any quorum signs", arguments: Shape.all)
    func quorums(shape: Shape) throws {
        let dealing = try Dealing(
            splitting: .random(),
            threshold: shape.threshold,
            among: Identifier.first(shape.count)
        )
        let message: [UInt8] = [1, 2, 3]
        let shares = Array(dealing.shares.shuffled().prefix(shape.threshold))
        let boxes = shares.map { HeldNonces(.generate(for: $0, group: dealing.group, message: message)) }
        let session = try AggregateNonceSession(
            group: dealing.group,
            signers: shares.map(\.identifier),
            nonce: AggregateNonce(boxes.map(\.commitment)),
            tweaks: [KeyTweak(.random(), isXOnly: true), KeyTweak(.random(), isXOnly: false)],
            message: message
        )
        let partials = try zip(shares, boxes).map { try session.sign(with: $0, nonces: $1.takeOnce()) }
        let signature = try session.aggregate(partials)
        #expect(signature.verifies(message, key: session.verificationKey))
        let wrong = PartialSignature(identifier: partials[0].identifier, value: partials[0].value + .one)
        #expect(throws: FROSTError.invalidSignature) { try session.aggregate([wrong] + partials.dropFirst()) }
        #expect(throws: FROSTError.invalidPartialSignatures([wrong.identifier])) {
            try session.verify(wrong, commitment: boxes[0].commitment)
        }
    }
}
