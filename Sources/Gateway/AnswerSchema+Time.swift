// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// The shapes of what is said about signed time.
extension AnswerSchema {
    /// A proof that a document existed before a point in time.
    static let timeProof = object(
        [
            "type": .oneOf(["assay-time-proof"]), "v": .integer, "digest": .string, "salt": .string,
            "chain": .object([
                "responses": .array(
                    .object(
                        ["rand": .string, "publicKey": .string, "request": .string, "response": .string],
                        optional: ["rand"]
                    )
                )
            ]),
            "path": .array(.string), "index": .integer,
        ],
        optional: ["path", "index"]
    )

    /// A score with proofs of when it was made, and the oracle's word for it.
    static let stampedScore = object(
        [
            "document": .string, "proof": timeProof, "after": .string,
            "attestation": .object([
                "id": .string, "pubkey": .string, "created_at": .integer, "kind": .integer,
                "tags": .array(.array(.string)), "content": .string, "sig": .string,
            ]),
        ],
        optional: ["attestation"]
    )
}
