// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Nostr
internal import Pomade

/// Why a proof of a registration is none.
struct RegistrationProofError: Error {
    let reason: String
}

/// The user's key vouching for a registration: a NIP-98 event in the body, signed by the group itself.
enum RegistrationProof {
    /// Checks a proof and returns who signed it.
    static func key(
        of proof: RegistrationProofEvent,
        urls: [String],
        payload: [UInt8],
        now: Int64
    ) throws(RegistrationProofError) -> Hex32 {
        do throws(HTTPAuthorizationFailure) {
            let authorization = try HTTPAuthorization(
                header: HTTPAuthorization.header(json: proof.json),
                expecting: HTTPAuthorization.Expectation(urls: urls, bodyDigest: payload, requiresPayload: true),
                now: now
            )
            return Hex32(certain: authorization.key.bytes)
        } catch {
            throw RegistrationProofError(reason: "\(error)")
        }
    }
}
