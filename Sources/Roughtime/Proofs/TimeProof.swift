// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
public import Foundation

/// Why a proof does not hold.
public enum TimeProofFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case format(String)
    case chain(ChainFailure)
    /// The first nonce is not made of this digest and salt.
    case notBound
    /// The answers contradict each other.
    case inconsistent
    /// An answer is signed by a key that is not trusted.
    case untrustedKey([UInt8])

    public var description: String {
        switch self {
        case .format(let reason): "not a time proof: \(reason)"
        case .chain(let failure): "the chain of answers does not hold: \(failure)"
        case .notBound: "the answers are not about this document: the first nonce is not made of its digest"
        case .inconsistent: "the answers contradict each other, so at least one server stated a wrong time"
        case .untrustedKey(let key): "signed by \(Base64.encode(key)), which is not a key you trust"
        }
    }
}

/// Proof that a document existed before a point in time: its digest went into the nonce of a Roughtime exchange.
///
/// One exchange serves many documents when their digests are the leaves of a tree and the root takes the digest's place.
public struct TimeProof: Equatable, Sendable {
    public static let type = "assay-time-proof"
    public static let mediaType = "application/json"
    /// The longest document that is read, in bytes.
    public static let maximumLength = 1 << 20
    public static let maximumLinks = 32
    private static let label = Array("assay-time-proof-v1".utf8) + [0]

    /// SHA-256 of the document.
    public let digest: [UInt8]
    public let salt: [UInt8]
    /// Siblings from the digest to the root, and the digest's number; nil when the digest stands alone.
    public let branch: Branch?
    public let chain: MalfeasanceReport

    public struct Branch: Equatable, Sendable {
        public let index: UInt32
        public let path: [[UInt8]]

        public init(index: UInt32, path: [[UInt8]]) {
            self.index = index
            self.path = path
        }
    }

    public init(digest: [UInt8], salt: [UInt8], branch: Branch? = nil, chain: MalfeasanceReport) {
        self.digest = digest
        self.salt = salt
        self.branch = branch
        self.chain = chain
    }

    /// The digest of a document: SHA-256.
    public static func digest(of document: some DataProtocol) -> [UInt8] { Array(SHA256.hash(data: document)) }

    /// What the exchange was made for: the root of the tree that the digest is a leaf of, or the digest itself.
    ///
    /// `nil` when the way to the root is longer than any tree's.
    public var root: [UInt8]? {
        guard let branch else { return digest }
        return MerkleTree.root(leaf: digest, index: branch.index, path: branch.path, hash: .sha512First32)
    }

    /// The nonce that binds an exchange to a digest, or to the root of a tree of digests.
    ///
    /// - Parameters:
    ///   - root: 32 bytes.
    ///   - salt: 32 fresh random bytes, so that nobody can guess which document was stamped.
    public static func nonce(for root: [UInt8], salt: [UInt8]) -> [UInt8] {
        TreeHash.sha512First32.digest(label + root + salt)
    }

    /// The tree over many digests, by the rules of version 1.
    public static func tree(of digests: [[UInt8]]) -> MerkleTree {
        MerkleTree(leaves: digests, hash: .sha512First32)
    }

    /// What the proof proves.
    public struct Verified: Sendable {
        /// The document existed before this, in microseconds since 1970: the least of midpoint plus radius.
        public let existedBefore: Int128
        public let chain: VerifiedChain
    }

    /// Checks the whole proof; needs no network.
    ///
    /// - Parameter trustedKeys: long-term keys to believe; nil to believe whoever signed.
    public func verify(
        trustedKeys: Set<[UInt8]>? = nil,
        options: VerificationOptions = VerificationOptions()
    ) throws(TimeProofFailure) -> Verified {
        let verified: VerifiedChain
        do throws(ChainFailure) {
            verified = try VerifiedChain(verifying: chain.links, options: options, limit: Self.maximumLinks)
        } catch {
            throw .chain(error)
        }
        if let trustedKeys {
            for link in chain.links where !trustedKeys.contains(link.publicKey) {
                throw .untrustedKey(link.publicKey)
            }
        }
        guard let root, let first = try? Request(reading: chain.links[0].request),
            first.nonce == Self.nonce(for: root, salt: salt)
        else { throw .notBound }
        guard verified.isConsistent else { throw .inconsistent }
        guard let before = verified.responses.map(\.latest).min() else { throw .chain(.empty) }
        return Verified(existedBefore: before, chain: verified)
    }

    /// Reads a proof.
    public init(json: Data) throws(TimeProofFailure) {
        guard json.count <= Self.maximumLength, JSONNesting.isShallow(Array(json), limit: 8) else {
            throw .format("too long or nested too deeply")
        }
        let document: Document
        let links: MalfeasanceReport
        do {
            document = try JSONDecoder().decode(Document.self, from: json)
            links = try MalfeasanceReport(json: JSONEncoder().encode(document.chain))
        } catch let error as ReportFormatError {
            throw .format(error.description)
        } catch {
            throw .format("an object with type, v, digest, salt and chain is expected")
        }
        guard document.type == Self.type, document.v == 1 else { throw .format("another type or version") }
        guard let digest = Hex.decode(document.digest), digest.count == 32, let salt = Hex.decode(document.salt),
            salt.count == 32
        else { throw .format("digest and salt must be 64 hex digits each") }
        guard (document.path == nil) == (document.index == nil) else { throw .format("path and index go together") }
        var branch: Branch?
        if let path = document.path, let index = document.index {
            let nodes = path.compactMap(Hex.decode)
            guard nodes.count == path.count, nodes.count <= 32, nodes.allSatisfy({ $0.count == 32 }) else {
                throw .format("path must be at most 32 nodes of 64 hex digits")
            }
            branch = Branch(index: index, path: nodes)
        }
        self.init(digest: digest, salt: salt, branch: branch, chain: links)
    }

    /// The proof as a document, with its members in a fixed order.
    public var json: Data {
        let document = try? Document(
            type: Self.type,
            v: 1,
            digest: Hex.encode(digest),
            salt: Hex.encode(salt),
            chain: JSONDecoder().decode(Document.Chain.self, from: chain.json),
            path: branch.map { $0.path.map(Hex.encode) },
            index: branch?.index
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers always encode.
        return (try? encoder.encode(document)) ?? Data()
    }

    private struct Document: Codable {
        struct Chain: Codable {
            let responses: [[String: String]]
        }
        let type: String
        let v: Int
        let digest: String
        let salt: String
        let chain: Chain
        let path: [String]?
        let index: UInt32?
    }
}
