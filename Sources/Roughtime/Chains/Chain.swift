// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One request, its answer, and what ties the request to the answer before it.
public struct ChainLink: Equatable, Sendable {
    /// Fresh random bytes that went into the nonce; nil only for the first.
    public let blind: [UInt8]?
    public let publicKey: [UInt8]
    /// Packets as they were sent and received, with their frames.
    public let request: [UInt8]
    public let response: [UInt8]

    public init(blind: [UInt8]?, publicKey: [UInt8], request: [UInt8], response: [UInt8]) {
        self.blind = blind
        self.publicKey = publicKey
        self.request = request
        self.response = response
    }

    /// The nonce that follows an answer: it proves that the next request was made after it (RFC 10049, section 8.3).
    ///
    /// - Parameter blind: fresh random bytes, as many as the nonce has.
    public static func nonce(after response: [UInt8], blind: [UInt8], length: Int) -> [UInt8] {
        Array(TreeHash.sha512.digest(response + blind).prefix(length))
    }

    /// Google's way to chain, for proofs between two servers of Google's version.
    public static func googleNonce(after response: [UInt8], blind: [UInt8]) -> [UInt8] {
        TreeHash.sha512.digest(TreeHash.sha512.digest(response) + blind)
    }
}

/// Why a chain proves nothing.
public enum ChainFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case tooLong(limit: Int)
    case link(Int, VerificationFailure)
    /// The nonce does not follow from the answer before.
    case notLinked(Int)

    public var description: String {
        switch self {
        case .empty: "the chain has no links"
        case .tooLong(let limit): "the chain has more than \(limit) links"
        case .link(let index, let failure): "link \(index): \(failure)"
        case .notLinked(let index): "link \(index): the nonce does not follow from the answer before"
        }
    }
}

/// Two answers of which the earlier states a later time than the later one can have.
public struct InconsistentPair: Equatable, Hashable, Sendable {
    public let first: Int
    public let second: Int

    public init(_ first: Int, _ second: Int) {
        self.first = first
        self.second = second
    }
}

/// A chain whose signatures and links all hold: evidence that anybody can check.
public struct VerifiedChain: Sendable {
    public static let maximumLinks = 1024

    public let links: [ChainLink]
    public let responses: [VerifiedResponse]
    /// Pairs that cannot both be true.
    public let inconsistencies: [InconsistentPair]
    /// The only server whose absence makes the rest consistent; nil when there is none, or more than one.
    public let suspect: [UInt8]?

    public var isConsistent: Bool { inconsistencies.isEmpty }
    /// Number of the first link of the suspect.
    public var suspectIndex: Int? { suspect.flatMap { key in links.firstIndex { $0.publicKey == key } } }

    /// Checks every signature and every nonce, then looks for contradictions.
    ///
    /// - Parameter limit: the most links that are read.
    /// - Throws: ``ChainFailure`` at the first thing that does not hold.
    public init(
        verifying links: [ChainLink],
        options: VerificationOptions = VerificationOptions(),
        limit: Int = maximumLinks
    ) throws(ChainFailure) {
        guard !links.isEmpty else { throw .empty }
        guard links.count <= limit else { throw .tooLong(limit: limit) }
        var responses: [VerifiedResponse] = []
        for (index, link) in links.enumerated() {
            if index > 0, !Self.follows(link, links[index - 1]) { throw .notLinked(index) }
            do throws(VerificationFailure) {
                let verifier = ResponseVerifier(longTermPublicKey: link.publicKey, options: options)
                responses.append(try verifier.verify(link.response, to: link.request))
            } catch {
                throw .link(index, error)
            }
        }
        let pairs = Self.contradictions(responses)
        self.links = links
        self.responses = responses
        inconsistencies = pairs
        suspect = Self.suspect(links, pairs)
    }

    private static func follows(_ link: ChainLink, _ previous: ChainLink) -> Bool {
        guard let blind = link.blind, blind.count <= 64, let request = try? Request(reading: link.request) else {
            return false
        }
        let nonce = ChainLink.nonce(after: previous.response, blind: blind, length: request.nonce.count)
        if nonce == request.nonce { return true }
        // Between two servers of Google's version, Google's own rule serves as well.
        return !Frame.isFramed(previous.response) && request.versions == [.google]
            && ChainLink.googleNonce(after: previous.response, blind: blind) == request.nonce
    }

    private static func contradictions(_ responses: [VerifiedResponse]) -> [InconsistentPair] {
        responses.indices.flatMap { first in
            responses.indices.dropFirst(first + 1).filter { responses[first].earliest > responses[$0].latest }
                .map { InconsistentPair(first, $0) }
        }
    }

    private static func suspect(_ links: [ChainLink], _ pairs: [InconsistentPair]) -> [UInt8]? {
        guard let pair = pairs.first else { return nil }
        let candidates = Set([links[pair.first].publicKey, links[pair.second].publicKey])
        let sufficient = candidates.filter { key in
            pairs.allSatisfy { links[$0.first].publicKey == key || links[$0.second].publicKey == key }
        }
        return sufficient.count == 1 ? sufficient.first : nil
    }
}
