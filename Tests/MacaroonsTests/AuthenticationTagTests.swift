// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Macaroons
import Testing

@Suite("Authentication tags")
struct AuthenticationTagTests {
    @Test(
        "tags are those of RFC 4231",
        arguments: [
            (
                String(repeating: "0b", count: 20), "4869205468657265",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                String(repeating: "aa", count: 131),
                "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
    )
    func vectors(key: String, message: String, tag: String) throws {
        let made = authenticationTag(key: try #require(Hex.decode(key)), try #require(Hex.decode(message)))
        #expect(Hex.encode(made) == tag)
    }

    @Test("keys and messages of any length have the tags of swift-crypto")
    func lengths() {
        for length in 0..<200 {
            let key = (0..<length).map { _ in UInt8.random(in: .min ... .max) }
            let message = (0..<(length * 7 % 300)).map { _ in UInt8.random(in: .min ... .max) }
            let expected = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))
            #expect(authenticationTag(key: key, message) == Array(expected))
        }
    }
}
