// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Secp256k1
import Testing

@testable import FROST

@Suite("Key generation")
struct KeyGenerationTests {
    struct File: Decodable {
        struct Participant: Decodable {
            let identifier: Identifier
            let signing_key, coefficient, proof_of_knowledge, verifying_share, signing_share: HexBytes
            let vss_commitments: [HexBytes]
            let signing_shares: [String: HexBytes]

            var announcement: KeyGenerationAnnouncement {
                get throws {
                    KeyGenerationAnnouncement(
                        sender: identifier,
                        commitment: SharingCommitment(
                            constant: try vss_commitments[0].point,
                            rest: try vss_commitments.dropFirst().map { try $0.point }
                        ),
                        proof: proof_of_knowledge.bytes
                    )
                }
            }
        }
        struct Inputs: Decodable {
            let verifying_key: HexBytes
            let participants: [Participant]

            private struct Key: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                verifying_key = try container.decode(HexBytes.self, forKey: Key(stringValue: "verifying_key"))
                participants = try ["1", "2", "3"].map {
                    try container.decode(Participant.self, forKey: Key(stringValue: $0))
                }
            }
        }
        let inputs: Inputs
    }

    @Test(
        "announcements, shares and keys are the published ones",
        arguments: [("secp256k1/vectors_dkg", Ciphersuite.rfc9591), ("secp256k1-tr/vectors_dkg", .taproot)]
    )
    func published(name: String, suite: Ciphersuite) throws {
        let inputs = try Vectors.load(name, as: File.self).inputs
        let everyone = inputs.participants.map(\.identifier)
        for participant in inputs.participants {
            let published = try participant.announcement
            #expect(published.isProven(suite: suite))
            let generation = try KeyGeneration.begin(
                identifier: participant.identifier,
                polynomial: Polynomial(
                    coefficients: [try participant.signing_key.scalar, try participant.coefficient.scalar]
                ),
                participants: everyone,
                suite: suite
            )
            let own = generation.announcement
            #expect(own.commitment == published.commitment && own.isProven(suite: suite))
            let others = inputs.participants.filter { $0.identifier != participant.identifier }
            let shares = try generation.receive(try others.map { try $0.announcement } + [own])
            let outgoing = shares.outgoing
            for other in others {
                let expected = other.signing_shares[participant.identifier.description]
                #expect(outgoing[other.identifier]?.rawBytes == expected?.bytes)
            }
            var received: [Identifier: Scalar] = [:]
            for other in others {
                received[other.identifier] = try participant.signing_shares[other.identifier.description]?.scalar
            }
            let (share, group) = try shares.finish(received)
            #expect(group.key.compressed == inputs.verifying_key.bytes)
            #expect(share.secret.rawBytes == participant.signing_share.bytes)
            for other in inputs.participants {
                #expect(group.publicShares[other.identifier]?.compressed == other.verifying_share.bytes)
            }
        }
    }

    @Test("no changed bit of a proof is taken for a proof", arguments: Ciphersuite.allCases)
    func bitFlips(suite: Ciphersuite) throws {
        let generation = try KeyGeneration.begin(
            identifier: identifier(1),
            threshold: 2,
            participants: Identifier.first(3),
            suite: suite
        )
        let announcement = generation.announcement
        for bit in 0..<announcement.proof.count * 8 {
            var proof = announcement.proof
            proof[bit / 8] ^= 1 << UInt8(bit % 8)
            let changed = KeyGenerationAnnouncement(
                sender: announcement.sender,
                commitment: announcement.commitment,
                proof: proof
            )
            #expect(!changed.isProven(suite: suite))
        }
        for size in 0..<announcement.proof.count {
            let cut = KeyGenerationAnnouncement(
                sender: announcement.sender,
                commitment: announcement.commitment,
                proof: Array(announcement.proof.prefix(size))
            )
            #expect(!cut.isProven(suite: suite))
        }
        let stolen = KeyGenerationAnnouncement(
            sender: identifier(2),
            commitment: announcement.commitment,
            proof: announcement.proof
        )
        #expect(!stolen.isProven(suite: suite))
    }

    @Test("bad announcements and shares name their sender")
    func blame() throws {
        let everyone = Identifier.first(3)
        func begin(_ number: Int, threshold: Int = 2) throws -> KeyGeneration {
            try KeyGeneration.begin(
                identifier: identifier(number),
                threshold: threshold,
                participants: everyone,
                suite: .rfc9591
            )
        }
        let second = try begin(2).announcement
        let third = try begin(3).announcement
        let larger = try begin(3, threshold: 3).announcement
        let impostor = try begin(1).announcement
        let forged = KeyGenerationAnnouncement(sender: third.sender, commitment: third.commitment, proof: second.proof)
        func error(_ announcements: (KeyGenerationAnnouncement) -> [KeyGenerationAnnouncement]) throws -> FROSTError? {
            let first = try begin(1)
            let own = first.announcement
            do throws(FROSTError) {
                _ = try first.receive(announcements(own))
                return nil
            } catch { return error }
        }
        #expect(try error { [$0, second, third] } == nil)
        #expect(try error { [$0, second] } == .missingIdentifier(identifier(3)))
        #expect(try error { [$0, second, second, third] } == .duplicateIdentifier(identifier(2)))
        #expect(try error { [$0, second, forged] } == .invalidProof(identifier(3)))
        #expect(try error { [$0, second, larger] } == .invalidCommitment(identifier(3)))
        #expect(try error { _ in [impostor, second, third] } == .invalidCommitment(identifier(1)))

        let first = try begin(1)
        let own = first.announcement
        let shares = try first.receive([own, second, third])
        do throws(FROSTError) {
            _ = try shares.finish([identifier(2): .random(), identifier(3): .random()])
            Issue.record("a share that fits no announcement was taken")
        } catch { #expect(error == .invalidShare(identifier(2))) }
    }

    @Test("participants who were told different things have different transcripts")
    func splitView() throws {
        let announcements = try Identifier.first(3).map {
            try KeyGeneration.begin(identifier: $0, threshold: 2, participants: Identifier.first(3), suite: .pomade)
                .announcement
        }
        func transcript(_ others: [KeyGenerationAnnouncement]) throws -> [UInt8] {
            let polynomial = Polynomial(coefficients: [Scalar(5 as UInt64), Scalar(6 as UInt64)])
            let generation = try KeyGeneration.begin(
                identifier: identifier(4),
                polynomial: polynomial,
                participants: Identifier.first(4),
                suite: .pomade
            )
            // Its own announcement's proof is random, so it is left out of what is compared.
            let own = generation.announcement
            let shares = try generation.receive(others + [own])
            return KeyGenerationAnnouncement.transcriptHash(of: shares.announcements.filter { $0.sender != own.sender })
        }
        let again = try KeyGeneration.begin(
            identifier: identifier(3),
            threshold: 2,
            participants: Identifier.first(3),
            suite: .pomade
        ).announcement
        #expect(try transcript(announcements) == transcript(announcements.reversed()))
        #expect(try transcript(announcements) != transcript(announcements.dropLast() + [again]))
    }
}
