// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a group, a share, a message of a round or a signature is refused.
public enum FROSTError: Error, Equatable, Sendable {
    /// The threshold must be at least 1 and at most the number of participants.
    case invalidThreshold(threshold: Int, participants: Int)
    /// A group has at most ``ThresholdGroup/maximumParticipants`` participants.
    case tooManyParticipants(Int)
    /// One participant is named twice.
    case duplicateIdentifier(Identifier)
    /// Someone who is not of the group is named.
    case unknownIdentifier(Identifier)
    /// Someone who must take part is not named.
    case missingIdentifier(Identifier)
    /// Fewer participants than the threshold.
    case tooFewParticipants(needed: Int, given: Int)
    /// The key of the group, or a participant's, would be zero or infinity: start again with fresh randomness.
    case zeroKey
    /// The public shares do not lie on one polynomial with the group's key: the group was dealt wrongly.
    case inconsistentGroup
    /// A secret share does not belong to its participant's public share or to the dealer's commitment.
    case invalidShare(Identifier)
    /// A commitment has another number of points than the threshold asks for.
    case invalidCommitment(Identifier)
    /// A participant did not prove to know the secret behind its commitment: exclude it and start again.
    case invalidProof(Identifier)
    /// The nonces in hand are not those whose commitment the session names for this signer.
    case nonceMismatch(Identifier)
    /// The sum of the nonces is infinity: ask all signers for fresh nonces.
    case groupNonceIsInfinity
    /// These signers' partial signatures are wrong: ask others.
    case invalidPartialSignatures([Identifier])
    /// The signature does not verify although each of its parts does.
    case invalidSignature
    /// The tweaks turn the key into infinity, or this suite takes none.
    case invalidTweak
    /// The number of tweaks or the length of a field is out of range.
    case invalidRequest
}
