// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Why there is no time proof.
public enum StampFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case noDigest
    /// More documents than one tree takes.
    case tooMany(limit: Int)
    /// The first answer does not verify.
    case first(VerificationFailure)
    /// Too few servers answered: these, and the reasons of the others.
    case tooFewAnswers(Int, needed: Int, reasons: [String])
    /// The answers contradict each other, so one of the servers is wrong.
    case inconsistent

    public var description: String {
        switch self {
        case .noDigest: "there is nothing to stamp: a digest has 32 bytes"
        case .tooMany(let limit): "one stamp serves at most \(limit) documents"
        case .first(let failure): "the first answer does not hold: \(failure)"
        case .tooFewAnswers(let count, let needed, let reasons):
            "\(count) servers answered, \(needed) are needed" + (reasons.isEmpty ? "" : ": ")
                + reasons.joined(separator: "; ")
        case .inconsistent: "the servers contradict each other about the time"
        }
    }
}

/// Makes proofs that documents existed by now.
public struct TimeStamper: Sendable {
    /// Documents in one tree.
    public static let maximumDigests = 65_536

    /// A server that answers within this process or machine, and is asked first.
    public struct FirstServer: Sendable {
        public let publicKey: [UInt8]
        /// Sends a request and returns the answer.
        public let exchange: @Sendable (_ request: [UInt8]) async throws -> [UInt8]

        public init(publicKey: [UInt8], exchange: @escaping @Sendable (_ request: [UInt8]) async throws -> [UInt8]) {
            self.publicKey = publicKey
            self.exchange = exchange
        }
    }

    public let sequence: ChainSequence
    public let servers: [TimeServer]
    public let first: FirstServer?
    /// How many servers must have answered, the first included.
    public let needed: Int

    /// Makes a stamper.
    ///
    /// - Parameters:
    ///   - servers: asked in random order, after the first one.
    ///   - first: our own server; nil when there is none.
    ///   - needed: one answer makes a proof, three make a good one.
    ///   - wanted: no more servers are asked once so many have answered.
    public init(
        client: TimeClient = TimeClient(),
        servers: [TimeServer],
        first: FirstServer? = nil,
        needed: Int = 1,
        wanted: Int = 3,
        perServer: Duration = .seconds(4)
    ) {
        let wanted = max(wanted, needed, 1)
        sequence = ChainSequence(
            client: client,
            rounds: 1,
            perServer: perServer,
            enough: first == nil ? wanted : wanted - 1
        )
        self.servers = servers
        self.first = first
        self.needed = max(needed, 1)
    }

    /// A proof for one document.
    ///
    /// - Parameter digest: SHA-256 of the document.
    public func stamp(digest: [UInt8], within limit: Duration = .seconds(20)) async throws(StampFailure) -> TimeProof {
        try await stamp(digests: [digest], within: limit)[0]
    }

    /// Proofs for many documents out of one exchange, in the order of the digests.
    public func stamp(
        digests: [[UInt8]],
        within limit: Duration = .seconds(20)
    ) async throws(StampFailure) -> [TimeProof] {
        guard !digests.isEmpty, digests.allSatisfy({ $0.count == 32 }) else { throw .noDigest }
        guard digests.count <= Self.maximumDigests else { throw .tooMany(limit: Self.maximumDigests) }
        let salt = Nonce.randomBytes(32)
        let tree = digests.count == 1 ? nil : TimeProof.tree(of: digests)
        let nonce = TimeProof.nonce(for: tree?.root ?? digests[0], salt: salt)
        let chain = MalfeasanceReport(links: try await chain(from: nonce, within: limit))
        return digests.indices.map { index in
            let branch = tree.map { TimeProof.Branch(index: UInt32(index), path: $0.path(of: index)) }
            return TimeProof(digest: digests[index], salt: salt, branch: branch, chain: chain)
        }
    }

    /// A chain that begins with a nonce of 32 bytes.
    ///
    /// - Throws: ``StampFailure``, also when the answers contradict each other.
    public func chain(
        from nonce: [UInt8],
        within limit: Duration = .seconds(20)
    ) async throws(StampFailure) -> [ChainLink] {
        let deadline = ContinuousClock.now + limit
        var links: [ChainLink] = []
        var reasons: [String] = []
        if let first {
            do {
                links = [try await ask(first, nonce)]
            } catch let failure as StampFailure {
                throw failure
            } catch {
                reasons.append("the first server: \(error)")
            }
        }
        if sequence.enough ?? 1 > 0 || links.isEmpty {
            let run = await sequence.run(
                ChainSequence.shuffled(servers),
                after: links,
                firstNonce: nonce,
                within: deadline - .now
            )
            links += run.links
            reasons += run.failures.map { "\($0.server.name): \($0.failure)" }
        }
        guard links.count >= needed else {
            throw .tooFewAnswers(links.count, needed: needed, reasons: reasons)
        }
        let verified = try? VerifiedChain(verifying: links, options: sequence.client.verification)
        guard verified?.isConsistent == true else { throw .inconsistent }
        return links
    }

    private func ask(_ server: FirstServer, _ nonce: [UInt8]) async throws -> ChainLink {
        guard let request = Request(versions: [.rfc10049], nonce: nonce, serverKey: server.publicKey) else {
            throw StampFailure.noDigest
        }
        let response = try await server.exchange(request.packet)
        do throws(VerificationFailure) {
            _ = try ResponseVerifier(longTermPublicKey: server.publicKey).verify(response, to: request)
        } catch {
            throw StampFailure.first(error)
        }
        return ChainLink(blind: nil, publicKey: server.publicKey, request: request.packet, response: response)
    }
}
