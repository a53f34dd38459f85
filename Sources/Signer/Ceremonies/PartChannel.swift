// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import LightningPrimitives
internal import Nostr
internal import Pomade
internal import Secp256k1

/// What signers send each other through a client that must not read or mix it up.
struct PartChannel: Sendable {
    enum Purpose: String, Codable { case generation = "dkg", repairDelta = "repair-delta", repairSum = "repair-sum" }

    /// What is sealed: a number, and everything that it is good for.
    private struct Part: Codable {
        let purpose: Purpose
        /// The client's key.
        let session: Hex32
        /// What sender and receiver must agree on.
        let context: Hex32
        let from: Int
        let to: Int
        let value: Hex32
    }

    /// Characters of a sealed part: many times what one has.
    private static let limit = 4096

    let identity: SecretKey
    let session: Hex32
    let own: Int

    private func conversation(_ peer: Hex32) throws(SignerFailure) -> NIP44 {
        guard let key = NostrKey(peer.bytes), let conversation = NIP44(identity, with: key, limit: Self.limit) else {
            throw SignerFailure(.badMembers, "An identity is no key.")
        }
        return conversation
    }

    /// Seals a number for another signer.
    func seal(
        _ value: Scalar,
        _ purpose: Purpose,
        context: Hex32,
        for peer: PomadeBody.Participant
    ) throws(SignerFailure) -> PomadeBody.SealedPart {
        let part = Part(
            purpose: purpose,
            session: session,
            context: context,
            from: own,
            to: peer.idx,
            value: HexBytes(certain: value.rawBytes)
        )
        let conversation = try conversation(peer.identity)
        guard let json = try? JSONEncoder().encode(part), let payload = try? conversation.encrypt(Array(json)) else {
            throw SignerFailure(.internalError, "Something went wrong here: try again later.")
        }
        return PomadeBody.SealedPart(idx: peer.idx, payload: payload)
    }

    /// Opens what another signer has sealed for this one and for this purpose.
    ///
    /// - Throws: `bad_share` for anything else.
    func open(
        _ part: PomadeBody.SealedPart,
        _ purpose: Purpose,
        from peer: PomadeBody.Participant
    ) throws(SignerFailure) -> (value: Scalar, context: Hex32) {
        let conversation = try conversation(peer.identity)
        guard part.payload.utf8.count <= Self.limit, let plain = try? conversation.decrypt(part.payload),
            let read = try? JSONDecoder().decode(Part.self, from: Data(plain)), read.purpose == purpose,
            read.session == session, read.from == peer.idx, read.to == own, let value = Scalar(read.value.bytes)
        else { throw SignerFailure(.badShare, "What signer \(peer.idx) sent is not for this: begin again.") }
        return (value, read.context)
    }
}
