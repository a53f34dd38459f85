// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing
import TrustScore

@Suite("Canonical URL")
struct CanonicalURLTests {
    private struct Vector: Decodable {
        struct Case: Decodable {
            let url: String
            let canonical: String
            let sha256: String
        }
        let cases: [Case]
    }

    @Test("spellings of one URL share one form and one hash")
    func vectors() throws {
        for item in try vector("url_canonical", as: Vector.self).cases {
            let url = try #require(CanonicalURL(item.url))
            #expect(url.description == item.canonical)
            let digest = SHA256.hash(data: Array(url.description.utf8))
            #expect(digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == item.sha256)
            #expect(CanonicalURL(item.canonical) == url)
        }
    }

    @Test(
        "what is no absolute web address has no form",
        arguments: [
            "", "example.com", "ftp://example.com/", "https://", "https://a b/", "https://h:9x/", "http://h/%4",
            "http://h/%+f",
        ]
    )
    func refused(_ text: String) {
        #expect(CanonicalURL(text) == nil)
    }

    @Test("an IPv6 host keeps its brackets and loses its default port")
    func ipv6() {
        #expect(CanonicalURL("https://[2001:DB8::1]:443/a/")?.description == "https://[2001:db8::1]/a")
    }
}
