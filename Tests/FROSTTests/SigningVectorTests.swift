// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Secp256k1
import Testing

@testable import FROST

/// The form in which RFC 9591 and the Zcash Foundation publish a signature by a dealt key.
struct SigningVector: Decodable {
    struct Inputs: Decodable {
        struct Share: Decodable {
            let identifier: Identifier
            let participant_share: HexBytes
        }
        let participant_list: [Identifier]
        let group_secret_key: HexBytes
        let group_public_key: HexBytes?
        let verifying_key_key: HexBytes?
        let message: HexBytes
        let share_polynomial_coefficients: [HexBytes]
        let participant_shares: [Share]
    }
    struct Outputs<Output: Decodable>: Decodable { let outputs: [Output] }
    struct RoundOne: Decodable {
        let identifier: Identifier
        let hiding_nonce_randomness, binding_nonce_randomness: HexBytes
        let hiding_nonce, binding_nonce: HexBytes
        let hiding_nonce_commitment, binding_nonce_commitment: HexBytes
        let binding_factor_input, binding_factor: HexBytes
    }
    struct RoundTwo: Decodable {
        let identifier: Identifier
        let sig_share: HexBytes
    }
    let inputs: Inputs
    let round_one_outputs: Outputs<RoundOne>
    let round_two_outputs: Outputs<RoundTwo>
    let final_output: [String: HexBytes]
}

@Suite("Published signatures")
struct SigningVectorTests {
    @Test(
        "dealing, nonces, binding factors, parts and signature are the published ones",
        arguments: [
            ("rfc9591/frost-secp256k1-sha256", Ciphersuite.rfc9591),
            ("secp256k1/vectors", .rfc9591),
            ("secp256k1/vectors-big-identifier", .rfc9591),
            ("secp256k1-tr/vectors", .taproot),
            ("secp256k1-tr/vectors-big-identifier", .taproot),
        ]
    )
    func published(name: String, suite: Ciphersuite) throws {
        let vector: SigningVector = try Vectors.load(name)
        let inputs = vector.inputs
        let dealing = try Dealing(
            polynomial: Polynomial(
                coefficients: try [inputs.group_secret_key.scalar]
                    + inputs.share_polynomial_coefficients.map { try $0.scalar }
            ),
            participants: inputs.participant_shares.map(\.identifier)
        )
        let key = try #require(inputs.group_public_key ?? inputs.verifying_key_key)
        #expect(dealing.group.key.compressed == key.bytes)
        #expect(
            dealing.shares.map { HexBytes($0.secret.rawBytes) } == inputs.participant_shares.map(\.participant_share)
        )

        let shares = Dictionary(uniqueKeysWithValues: dealing.shares.map { ($0.identifier, $0) })
        let roundOne = vector.round_one_outputs.outputs
        func nonces(_ output: SigningVector.RoundOne) throws -> SigningNonces {
            let nonces = SigningNonces(
                hidingRandomness: try output.hiding_nonce_randomness.scalar,
                bindingRandomness: try output.binding_nonce_randomness.scalar,
                share: try #require(shares[output.identifier]),
                suite: suite
            )
            // A type that cannot be copied does not pass through the macro.
            guard let nonces else { throw FROSTError.zeroKey }
            return nonces
        }
        var commitments: [SigningCommitment] = []
        for output in roundOne {
            let nonces = try nonces(output)
            #expect(nonces.hiding.rawBytes == output.hiding_nonce.bytes)
            #expect(nonces.binding.rawBytes == output.binding_nonce.bytes)
            let commitment = nonces.commitment
            #expect(commitment.hiding.compressed == output.hiding_nonce_commitment.bytes)
            #expect(commitment.binding.compressed == output.binding_nonce_commitment.bytes)
            commitments.append(commitment)
        }
        let session = try SigningSession(
            suite: suite,
            group: dealing.group,
            message: inputs.message.bytes,
            commitments: commitments.reversed()
        )
        #expect(session.signers == inputs.participant_list)
        var partials: [PartialSignature] = []
        for (output, expected) in zip(roundOne, vector.round_two_outputs.outputs) {
            let prefix = SigningSession.bindingPrefix(
                key: session.verificationKey,
                message: inputs.message.bytes,
                commitments: commitments,
                suite: suite
            )
            #expect(prefix + output.identifier.bytes == output.binding_factor_input.bytes)
            #expect(try session.terms(of: output.identifier).bindingFactor == output.binding_factor.scalar)
            let share = try #require(shares[output.identifier])
            let partial = try session.sign(with: share, nonces: try nonces(output))
            #expect(partial.identifier == expected.identifier)
            #expect(partial.value.rawBytes == expected.sig_share.bytes)
            partials.append(partial)
        }
        let signature = try session.aggregate(partials)
        #expect(signature.bytes == vector.final_output["sig"]?.bytes)
        #expect(signature.verifies(inputs.message.bytes, key: dealing.group.key))
    }
}
