// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
public import Pomade
internal import Secp256k1

extension SignerShare {
    /// Answers `/ecdh`: this signer's part of the point that the user's key and another's share, in constant time.
    ///
    /// - Throws: `bad_members`, `bad_request` when the number is not this signer's, `bad_ecdh_key`, `policy_denied`
    ///   or `deactivated`.
    public func exchange(
        _ body: PomadeBody.KeyExchange,
        policy: SessionPolicy? = nil,
        now: Int64
    ) throws(SignerFailure) -> PomadeContent.KeyExchange {
        let members = try members(body.members)
        guard body.idx == number else {
            throw SignerFailure(.badRequest, "This signer's share is number \(number).")
        }
        let unusable = SignerFailure(.badECDHKey, "The other key is no x coordinate that can be exchanged with.")
        guard let peer = Point(evenWithX: body.peer.bytes) else { throw unusable }
        try policy?.requireExchange(now: now)
        let part: ExchangePart
        do throws(FROSTError) {
            part = try registered.group.exchangePart(
                with: peer,
                share: share,
                members: members,
                isProven: body.wantsProof == true
            )
        } catch { throw unusable }
        return PomadeContent.KeyExchange(
            idx: number,
            keyshare: HexBytes(certain: part.point.compressed),
            members: body.members,
            peer: body.peer,
            proof: part.proof.map {
                PomadeContent.KeyExchange.Proof(
                    c: HexBytes(certain: $0.challenge.rawBytes),
                    z: HexBytes(certain: $0.answer.rawBytes)
                )
            }
        )
    }
}
