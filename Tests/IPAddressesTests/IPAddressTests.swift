// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import Testing

@Suite("IP addresses")
struct IPAddressTests {
    @Test(
        "texts that are not addresses are refused",
        arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "[::1]", "1.2.3.4:80", "fe80::1%eth0"]
    )
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() {
        #expect(IPAddress("::ffff:127.0.0.1") == IPAddress("127.0.0.1"))
        #expect(IPAddress("::ffff:127.0.0.1")?.isLoopback == true)
        #expect(IPAddress("::1")?.isLoopback == true)
        #expect(IPAddress("::2")?.isLoopback == false)
    }

    @Test("a block contains its own addresses and nothing else")
    func containment() throws {
        let block = try #require(IPNetwork("203.0.113.7/24"))
        #expect(block.description == "203.0.113.0/24")
        #expect(block.contains(try #require(IPAddress("203.0.113.255"))))
        #expect(!block.contains(try #require(IPAddress("203.0.114.0"))))
        #expect(!block.contains(try #require(IPAddress("::1"))))
        #expect(block.contains(try #require(IPNetwork("203.0.113.128/25"))))
        #expect(!block.contains(try #require(IPNetwork("203.0.0.0/16"))))
        let v6 = try #require(IPNetwork("2001:db8::/33"))
        #expect(v6.contains(try #require(IPAddress("2001:db8:7fff::1"))))
        #expect(!v6.contains(try #require(IPAddress("2001:db8:8000::1"))))
    }

    @Test(
        "prefix lengths out of range are refused",
        arguments: ["1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/+1"]
    )
    func badLength(text: String) {
        #expect(IPNetwork(text) == nil)
    }
}
