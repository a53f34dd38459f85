// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import LightningPrimitives

/// SHA-256 of a request or of an answer's body, as a receipt holds it.
public struct ContentHash: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public var description: String { hex }

    /// Hashes an answer's body, as the service made it: before any content coding.
    public init(body: some Collection<UInt8>) { self.init(SHA256.hash(data: Array(body))) }

    /// Hashes a request: the request line `METHOD SP TARGET`, a line feed, and the body.
    ///
    /// - Parameters:
    ///   - method: as sent, such as `GET`.
    ///   - target: path and query exactly as they stand in the request line (origin form, RFC 9112 section 3.2.1);
    ///     neither the host nor a fragment belongs to it.
    ///   - body: empty when there is none.
    public init(method: String, target: String, body: some Collection<UInt8>) {
        var hash = SHA256()
        // A target never holds a line feed, so line and body cannot be confused.
        hash.update(data: Array("\(method) \(target)\n".utf8))
        hash.update(data: Array(body))
        self.init(hash.finalize())
    }

    private init(_ digest: SHA256.Digest) {
        guard let hash = ContentHash(Array(digest)) else { preconditionFailure("SHA-256 yields 32 bytes") }
        self = hash
    }
}
