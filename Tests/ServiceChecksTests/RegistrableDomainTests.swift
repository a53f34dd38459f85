// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ServiceChecks
import Testing

/// What costs nothing does not multiply anybody's share.
struct RegistrableDomainTests {
    @Test(
        "names below one registered name, ports and addresses of one network count as one",
        arguments: [
            ("example.com", "example.com"), ("a.example.com", "example.com"), ("A.B.C.Example.COM.", "example.com"),
            ("a.example.com:8443", "example.com"), ("shop.example.co.uk", "example.co.uk"),
            ("x.shop.example.com.au", "example.com.au"), ("co.uk", "co.uk"), ("example.co.com", "co.com"),
            ("localhost", "localhost"), ("localhost:80", "localhost"), ("203.0.113.7", "203.0.113.0/24"),
            ("203.0.113.99:8080", "203.0.113.0/24"), ("[2001:db8:1:2::3]:443", "2001:db8:1:0:0:0:0:0/48"),
            ("2001:db8:1:9::1", "2001:db8:1:0:0:0:0:0/48"), ("", ""), ("...", ""), ("[", "["), (":", ""),
        ]
    )
    func domains(_ example: (host: String, domain: String)) {
        #expect(RegistrableDomain(host: example.host).description == example.domain)
    }
}
