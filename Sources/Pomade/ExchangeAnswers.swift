// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
public import Secp256k1

/// Signers whose answers are wrong: ask others, and tell the operators of these.
public struct FaultySigners: Error, Sendable, Hashable, CustomStringConvertible {
    /// Their numbers in the group.
    public let numbers: [Int]

    public init(numbers: [Int]) { self.numbers = numbers }

    public var description: String {
        "the answers of signers \(numbers.map(String.init).joined(separator: ", ")) do not fit their registered shares"
    }
}

extension RegisteredGroup {
    /// Adds up the answers of `/ecdh`.
    ///
    /// - Parameter requiresProof: whether an answer without a proof is wrong; a wrong proof always is.
    /// - Throws: ``FaultySigners`` with those whose proof is missing or wrong, or ``SignerFailure`` with `bad_members` or
    ///   `bad_ecdh_key`.
    public func sharedPoint(
        of answers: [PomadeContent.KeyExchange],
        members: [Int],
        peer: Hex32,
        requiresProof: Bool = true
    ) throws -> Point {
        let identifiers = try self.members(members, own: nil)
        guard answers.map(\.idx).sorted() == members.sorted() else {
            throw SignerFailure(.badMembers, "There must be one answer of each member.")
        }
        guard let point = Point(evenWithX: peer.bytes) else {
            throw SignerFailure(.badECDHKey, "The other key is no x coordinate of the curve.")
        }
        var parts: [ExchangePart] = []
        var faulty: [Int] = []
        for answer in answers {
            if let part = part(answer),
                (part.proof == nil && !requiresProof)
                    || (try? group.verify(part, with: point, members: identifiers)) != nil
            {
                parts.append(part)
            } else {
                faulty.append(answer.idx)
            }
        }
        guard faulty.isEmpty else { throw FaultySigners(numbers: faulty.sorted()) }
        do { return try group.sharedPoint(from: parts) } catch {
            throw SignerFailure(.badECDHKey, "The answers add up to infinity.")
        }
    }

    private func part(_ answer: PomadeContent.KeyExchange) -> ExchangePart? {
        guard let identifier = Identifier(answer.idx), let point = Point(answer.keyshare.bytes) else { return nil }
        guard let proof = answer.proof else { return ExchangePart(identifier: identifier, point: point) }
        guard let challenge = Scalar(proof.c.bytes), let response = Scalar(proof.z.bytes) else { return nil }
        return ExchangePart(
            identifier: identifier,
            point: point,
            proof: ExchangePart.Proof(challenge: challenge, answer: response)
        )
    }
}
