// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import Secp256k1

/// Both rounds of one signer without anything around them.
enum Mathematics {
    /// Microseconds of processor time for a signature.
    static func measure(seconds: Int) throws -> Double {
        let dealing = try Dealing(splitting: .random(), threshold: 2, among: Identifier.first(3))
        let (share, other) = (dealing.shares[0], dealing.shares[1])
        let theirs = SigningNonces.generate(for: other, suite: .pomade).commitment
        let message = [UInt8](repeating: 7, count: 32)
        let start = clock()
        var count = 0
        while Double(clock() - start) / Double(CLOCKS_PER_SEC) < Double(seconds) {
            let nonces = SigningNonces.generate(for: share, suite: .pomade)
            let request = try PomadeRequest(
                groupID: message,
                members: [share.identifier, other.identifier],
                message: message,
                kind: "message",
                stamp: UInt32(count)
            )
            let session = try request.session(group: dealing.group, commitments: [nonces.commitment, theirs])
            _ = try session.sign(with: share, nonces: nonces)
            count += 1
        }
        return Double(clock() - start) / Double(CLOCKS_PER_SEC) * 1_000_000 / Double(count)
    }
}
