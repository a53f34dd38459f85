// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Crypto
internal import LightningPrimitives
public import Nostr
internal import Pomade
internal import Secp256k1

extension ThresholdSigner {
    /// The secret that the user's key shares with another, for NIP-44.
    ///
    /// - Parameter requiresProof: whether each signer must prove its part; signers of other makes give no proofs, and
    ///   with those a wrong part shows only when a text cannot be decrypted.
    /// - Throws: ``ThresholdError`` with the signers that failed, or `CancellationError`.
    public func sharedX(with other: NostrKey, requiresProof: Bool = true) async throws -> [UInt8] {
        guard let peer = Hex32(other.bytes) else { throw ThresholdError.invalid("a key has 32 bytes") }
        return try await race { members throws(AttemptFailure) in
            let answers = try await Self.all(members) { number throws(SignerFault) in
                let answer: PomadeContent.Result<PomadeContent.KeyExchange> = try await self.ask(
                    number,
                    .keyExchange,
                    PomadeBody.KeyExchange(idx: number, members: members, peer: peer, wantsProof: true)
                )
                guard answer.result.idx == number, answer.result.peer == peer else {
                    throw self.fault(number, "its part is for something else")
                }
                return answer.result
            }
            do {
                return try self.state.group.sharedPoint(
                    of: Array(answers.values),
                    members: members,
                    peer: peer,
                    requiresProof: requiresProof
                ).xOnly
            } catch let error as FaultySigners {
                throw AttemptFailure(
                    faults: error.numbers.map { self.fault($0, "its part of the exchange is not proven") }
                )
            } catch {
                throw AttemptFailure(faults: members.map { self.fault($0, "\(error)") })
            }
        }
    }

    /// The conversation of the user's key with another's (NIP-44).
    ///
    /// - Throws: ``ThresholdError``, or `CancellationError`.
    public func conversation(with other: NostrKey, requiresProof: Bool = true) async throws -> NIP44 {
        NIP44(conversationKey: try await conversationKey(with: other, requiresProof: requiresProof))
    }

    /// The key of that conversation, 32 bytes.
    ///
    /// - Throws: ``ThresholdError``, or `CancellationError`.
    public func conversationKey(with other: NostrKey, requiresProof: Bool = true) async throws -> SymmetricKey {
        let secret = SymmetricKey(data: try await sharedX(with: other, requiresProof: requiresProof))
        return SymmetricKey(data: HKDF<SHA256>.extract(inputKeyMaterial: secret, salt: Array("nip44-v2".utf8)))
    }
}
