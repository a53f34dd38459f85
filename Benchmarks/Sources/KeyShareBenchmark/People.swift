// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityTestIssuer
import KeyShares

/// The people of the run: each has one wallet, whose key comes from a number, and logs in with tokens of a test issuer.
struct People: Sendable {
    static let stored = 50_000
    static let issuer = "https://issuer.example"
    static let audience = "benchmark"
    private let mint: TestTokenMint

    init() throws { mint = try TestTokenMint() }

    /// What the node verifies tokens with.
    var keySet: [UInt8] { get throws { try mint.keySet } }

    /// A token for each of some people, no two the same.
    func tokens(_ people: Range<Int>) async throws -> [String] {
        let (now, mint) = (Int(Date().timeIntervalSince1970), mint)
        return try await withThrowingTaskGroup(of: [(Int, String)].self) { group in
            let parts = stride(from: people.lowerBound, to: people.upperBound, by: 500)
            for start in parts {
                group.addTask {
                    try (start..<min(start + 500, people.upperBound)).map { person in
                        let claims = """
                            {"iss":"\(Self.issuer)","aud":"\(Self.audience)","sub":"\(person)","iat":\(now),\
                            "exp":\(now + 3600),"email":"\(person)@example.com","email_verified":true,\
                            "jti":"\(UUID().uuidString)"}
                            """
                        return (person, try mint.sign(Array(claims.utf8)))
                    }
                }
            }
            let all = try await group.reduce(into: []) { $0 += $1 }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// A person's wallet, and the node's share of its key.
    static func wallet(_ person: Int) throws -> (publicKey: [UInt8], share: ShamirShare) {
        let number = withUnsafeBytes(of: UInt64(person + 1).bigEndian) { Array($0) }
        let secret = [UInt8](repeating: 1, count: 24) + number
        let dealing = try ShareDealing(splitting: secret, threshold: 2, among: nodes)
        return (dealing.commitments.points[0], dealing.shares[0])
    }

    private static let nodes = (0..<2).map { NodeIdentifier(nodeName: "node-\($0)", curve: .secp256k1) }
}
