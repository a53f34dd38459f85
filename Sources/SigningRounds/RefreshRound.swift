// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
public import Pomade
internal import Secp256k1

extension SignerShare {
    /// The share after a refresh, to be staged until all signers have theirs (`/x/refresh/stage`).
    ///
    /// The whole group is checked, not this signer's part alone: every new public share must follow from the old one
    /// and the dealer's commitments, so that the key stays what it is.
    /// - Throws: `bad_threshold`, `bad_group`, `bad_share` or `bad_request`.
    public func refreshed(by body: PomadeBody.RefreshStage) throws(SignerFailure) -> SignerShare {
        let old = registered
        guard old.group.threshold > 1 else {
            throw SignerFailure(.badThreshold, "With threshold 1 every share is the key: there is nothing to refresh.")
        }
        let new = try RegisteredGroup(body.group)
        guard new.wire.key == old.wire.key, new.wire.threshold == old.wire.threshold, new.id != old.id else {
            throw SignerFailure(.badGroup, "A refresh keeps the key and the threshold, and changes the group's id.")
        }
        let points = body.commitments.compactMap { Point($0.bytes) }
        guard points.count == body.commitments.count, points.count == old.group.threshold - 1 else {
            throw SignerFailure(.badRequest, "A refresh has one commitment less than the threshold, each a point.")
        }
        let commitment = SharingCommitment(constant: nil, rest: points)
        let expected = try? old.group.refreshed(by: [commitment], participants: new.group.participants)
        guard let expected, expected == new.group else {
            throw SignerFailure(.badGroup, "The new public shares do not follow from the old ones.")
        }
        guard body.delta.idx == number, let delta = Scalar(body.delta.delta.bytes),
            let renewed = try? share.refreshed(by: [(delta, commitment)], of: old.group),
            new.group.publicShares[share.identifier] == renewed.publicShare
        else { throw SignerFailure(.badShare, "The delta is not this signer's part of the refresh.") }
        return SignerShare(registered: new, share: renewed)
    }
}
