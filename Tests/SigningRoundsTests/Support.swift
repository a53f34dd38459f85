// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import FROST
import Foundation
import Pomade
import Secp256k1
import SigningRounds
import Testing

/// Published vectors, copied beside the tests.
enum Vectors {
    static func load<Content: Decodable>(_ name: String, as type: Content.Type = Content.self) throws -> Content {
        let directory = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let data = try Data(contentsOf: directory.appending(path: name + ".json"))
        return try JSONDecoder().decode(Content.self, from: data)
    }
}

/// A dealt key whose every signer is at hand.
struct DealtKey {
    /// Unix seconds at which the tests take place.
    static let now: Int64 = 1_800_000_000

    let dealing: Dealing
    let group: RegisteredGroup
    let signers: [SignerShare]
    let client = Hex32.random()

    init(_ threshold: Int, of count: Int, secret: Scalar = .random()) throws {
        dealing = try Dealing(splitting: secret, threshold: threshold, among: Identifier.first(count))
        let commits = try dealing.shares.map { share in
            let nonce = try #require(Scalar.random().point)
            return WireCommit(
                idx: Int(share.identifier.number),
                pubkey: try #require(Hex33(share.publicShare.compressed)),
                hiddenNonce: try #require(Hex33(nonce.compressed)),
                binderNonce: try #require(Hex33(share.publicShare.compressed))
            )
        }
        let registered = try RegisteredGroup(
            WireGroup(commits: commits, key: try #require(Hex33(dealing.group.key.compressed)), threshold: threshold)
        )
        group = registered
        signers = try dealing.shares.map { try SignerShare(group: registered, share: WireShare($0)) }
    }

    /// What all members are asked.
    func request(
        members: [Int],
        hash: [Hex32] = [.random()],
        content: String? = nil,
        type: String = "message",
        stamp: Int64 = 1_800_000_000
    ) throws -> PomadeBody.SignatureRequest {
        let sid = PomadeRequest.sessionID(
            groupID: group.id,
            members: members.compactMap { Identifier($0) },
            hashes: hash.flatMap(\.bytes),
            content: content.map { Hex32(hex: $0)?.bytes ?? Array($0.utf8) },
            kind: type,
            stamp: UInt32(truncatingIfNeeded: stamp)
        )
        return PomadeBody.SignatureRequest(
            content: content,
            hash: hash,
            members: members,
            stamp: stamp,
            type: type,
            gid: try #require(Hex32(group.id)),
            sid: try #require(Hex32(sid))
        )
    }

    func signer(_ number: Int) throws -> SignerShare { try #require(signers.first { $0.number == number }) }
}

extension PomadeContent.Commitment {
    var nonces: PomadeBody.Nonces { PomadeBody.Nonces(idx: idx, hidden: hidden, binder: binder) }

    var commitment: SigningCommitment {
        get throws {
            SigningCommitment(
                identifier: try #require(Identifier(idx)),
                hiding: try #require(Point(hidden.bytes)),
                binding: try #require(Point(binder.bytes))
            )
        }
    }
}

/// The code of the refusal that a call ends in, or `nil` when it succeeds.
func refusal(_ call: () throws -> Void) -> FailureCode? {
    do {
        try call()
        return nil
    } catch { return (error as? SignerFailure)?.code }
}

func sha256(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
