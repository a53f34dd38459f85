// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Evidence

/// What of a host costs money.
struct SiteTests {
    @Test(
        "names below a domain are one site with it",
        arguments: [
            ("a.example.com", "example.com"), ("b.c.example.com:8443", "example.com"), ("example.com", "example.com"),
            ("x.shop.co.uk", "shop.co.uk"), ("co.uk", "co.uk"), ("x.y.io", "y.io"), ("198.51.100.7:81", "198.51.100.7"),
            ("[2001:db8::1]:443", "[2001:db8::1"), ("localhost", "localhost"), ("", ""), (":1", ""),
        ]
    )
    func sites(host: String, expected: String) {
        #expect(site(ofHost: host) == expected)
    }
}
