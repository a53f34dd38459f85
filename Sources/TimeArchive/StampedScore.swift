// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// A node's score as a document, with the proof of when it was made.
public struct StampedScore: Sendable, Equatable {
    /// Exactly the bytes that were stamped: JSON that names the SHA-256 of ``after``.
    public let document: [UInt8]
    /// That the document existed before a time.
    public let proof: TimeProof
    /// The time server's answer that the document names, a whole packet: it cannot be older than that.
    public let after: [UInt8]
    /// Who vouches for the score, a Nostr event as JSON; nil while nobody has signed.
    public let attestation: [UInt8]?
}

/// A document that goes into the archive.
public struct ArchivedScore: Sendable, Equatable {
    /// The node's name, 32 bytes.
    public let node: [UInt8]
    /// SHA-256 of what the document says, without what changes each time.
    public let content: [UInt8]
    public let document: [UInt8]
    public let branch: TimeProof.Branch

    public init(node: [UInt8], content: [UInt8], document: [UInt8], branch: TimeProof.Branch) {
        self.node = node
        self.content = content
        self.document = document
        self.branch = branch
    }
}
