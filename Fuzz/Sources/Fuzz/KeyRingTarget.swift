// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import LightningPrimitives

extension FuzzTarget {
    /// The text of a key ring file.
    static let keyRing = FuzzTarget(name: "KeyRing") { input in
        let text = String(decoding: input, as: UTF8.self)
        let ring: KeyRing
        do throws(KeyRing.InvalidFile) {
            ring = try KeyRing(parsing: text)
        } catch {
            // A wrong line may hold a secret; the text names the line and no more.
            let secrets = text.split { !$0.isHexDigit }.filter { $0.count >= 32 }
            return require(!secrets.contains { error.description.contains($0) }, "an error never quotes a secret")
        }
        for variant in [text + "\n", "# comment\n" + text, text.replacing("\n", with: "\r\n")] {
            let again = require("the same file, written differently, reads", { try KeyRing(parsing: variant) })
            require(again.mintEpoch == ring.mintEpoch, "it mints with the same epoch")
            checkTokens(of: ring, with: again)
        }
    }

    private static func checkTokens(of ring: KeyRing, with other: KeyRing) {
        let preimage = ring.preimage(for: .deposit)
        let terms = TokenTerms(service: "assay", capabilities: nil, validUntil: nil)
        let token = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        let scope = RequestScope(
            service: "assay",
            capability: "score",
            method: "GET",
            path: "/",
            clientAddress: nil,
            now: 1_800_000_000
        )
        let verified = require(
            "a token of the ring is good",
            {
                try other.verify(Credential(macaroon: token, preimage: preimage), for: scope)
            }
        )
        require(verified.purpose == .deposit, "a preimage says what it is for")
        require(
            Fixtures.ring.purpose(of: preimage) == nil || ring.mintEpoch == 0,
            "another ring's preimages are not ours"
        )
    }
}
