// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Why there is no stamp.
public enum StampError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Our own time server cannot be reached now.
    case unreachable(String)
    /// It signs nothing for this reason.
    case dropped(DropReason)
    /// What it answered proves nothing; never given to anybody.
    case unproven(String)

    public var description: String {
        switch self {
        case .unreachable(let reason): "the time server cannot be asked: \(reason)"
        case .dropped(let reason): "the time server signs nothing: \(reason.rawValue)"
        case .unproven(let reason): "the time server's answer proves nothing: \(reason)"
        }
    }
}

/// Makes proofs that documents existed by now: our own server signs first, others may follow.
public struct Stamper: Sendable {
    /// Has one packet answered by the time server of this machine.
    public typealias Answer = @Sendable (_ packet: [UInt8]) async throws -> Result<[UInt8], DropReason>
    /// Goes on with a chain at servers of others; returns the whole chain, or the same one when nobody answers.
    public typealias Extension = @Sendable (_ links: [ChainLink]) async -> [ChainLink]

    /// Our server's long-term key, 32 bytes.
    public let publicKey: [UInt8]
    private let answer: Answer
    private let extend: Extension

    /// Makes a stamper.
    ///
    /// - Parameters:
    ///   - publicKey: the long-term key of the server behind `answer`.
    ///   - extend: asks further servers; without it every chain has one link.
    public init(publicKey: [UInt8], answer: @escaping Answer, extend: @escaping Extension = { $0 }) {
        self.publicKey = publicKey
        self.answer = answer
        self.extend = extend
    }

    /// A root that was stamped.
    public struct Stamp: Sendable, Equatable {
        /// 32 random bytes, so that nobody can guess from the request what was stamped.
        public let salt: [UInt8]
        public let chain: MalfeasanceReport
        /// The stamped documents existed before this, in microseconds since 1970.
        public let existedBefore: Int64

        /// Our own server's answer, the first of the chain: what a later document can name to show that it is younger.
        public var response: [UInt8] { chain.links.first?.response ?? [] }

        /// The proof of a document of this stamp.
        ///
        /// - Parameter branch: nil when the document was stamped alone.
        public func proof(of digest: [UInt8], branch: TimeProof.Branch? = nil) -> TimeProof {
            TimeProof(digest: digest, salt: salt, branch: branch, chain: chain)
        }
    }

    /// A proof for one document.
    ///
    /// - Parameter digest: SHA-256 of the document.
    public func stamp(digest: [UInt8]) async throws(StampError) -> TimeProof {
        try await stamp(root: digest).proof(of: digest)
    }

    /// Stamps a digest, or the root of a tree of digests, with one exchange.
    ///
    /// What is returned has been verified as any holder of the proof would.
    /// - Parameter root: 32 bytes.
    public func stamp(root: [UInt8]) async throws(StampError) -> Stamp {
        precondition(root.count == 32)
        let salt = Self.randomBytes()
        let own = try await ask(nonce: TimeProof.nonce(for: root, salt: salt))
        let first = try Self.verified([own], root: root, salt: salt)
        let links = await extend([own])
        // A server elsewhere that fails or lies must not spoil what our own has signed.
        guard links.count > 1, links.first == own, let longer = try? Self.verified(links, root: root, salt: salt)
        else { return first }
        return longer
    }

    /// An answer of our own server to nothing in particular, a whole packet that was verified.
    public func answerNow() async throws(StampError) -> [UInt8] {
        let link = try await ask(nonce: Self.randomBytes())
        do throws(ChainFailure) {
            _ = try VerifiedChain(verifying: [link])
        } catch {
            throw .unproven(error.description)
        }
        return link.response
    }

    private static func randomBytes() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    private func ask(nonce: [UInt8]) async throws(StampError) -> ChainLink {
        guard let request = Request(versions: [.rfc10049], nonce: nonce, serverKey: publicKey) else {
            throw .unproven("no request can be made for the key")
        }
        let result: Result<[UInt8], DropReason>
        do {
            result = try await answer(request.packet)
        } catch {
            throw .unreachable("\(error)")
        }
        switch result {
        case .success(let response):
            return ChainLink(blind: nil, publicKey: publicKey, request: request.packet, response: response)
        case .failure(let reason): throw .dropped(reason)
        }
    }

    private static func verified(_ links: [ChainLink], root: [UInt8], salt: [UInt8]) throws(StampError) -> Stamp {
        let chain = MalfeasanceReport(links: links)
        do throws(TimeProofFailure) {
            let verified = try TimeProof(digest: root, salt: salt, chain: chain).verify()
            return Stamp(salt: salt, chain: chain, existedBefore: Int64(clamping: verified.existedBefore))
        } catch {
            throw .unproven(error.description)
        }
    }
}
