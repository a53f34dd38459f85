// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import OutboundHTTP
import Testing

/// What is asked at all.
struct OutboundURLTests {
    @Test(
        "odd forms of a URL are refused",
        arguments: [
            "", "example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "http://",
            "http:///x", "http://user@example.com/", "http://user:pw@example.com/", "http://example.com@127.0.0.1/",
            "http://exa mple.com/", "http://example.com\\@127.0.0.1/", "http:\\\\127.0.0.1/", "http://example.com/\n",
            "http://ex\u{e4}mple.com/", "http://\u{2460}.com/", "http://example.com:0/", "http://example.com:65536/",
            "http://example.com:-1/", "http://example.com:8 0/", "http://example.com:0x50/", "http://a..b/",
            "http://.b/",
            "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://017700000001/", "http://127.1/",
            "http://0177.0.0.1/", "http://127.0.0.01/", "http://1.2.3.4.5/", "http://256.1.1.1/",
            "http://1.2.3.4:80:80/",
            "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1/", "http://[::1]x/", "http://::1/",
            "http://example.com%2f@127.0.0.1/", "http://%31%32%37.0.0.1/", "http://example.123/",
            "http://example.0x7f/",
        ]
    )
    func odd(url: String) {
        #expect(throws: OutboundRefusal.self) { try OutboundURL(url) }
    }

    @Test("a URL is asked for in one form")
    func forms() throws {
        func form(_ url: String) throws -> String { try OutboundURL(url).description }
        #expect(try form("HTTPS://API.Example.COM./v1?q=1#f") == "https://api.example.com/v1?q=1")
        #expect(try form("https://api.example.com:443") == "https://api.example.com/")
        #expect(try form("http://api.example.com:8080?x") == "http://api.example.com:8080/?x")
        #expect(try form("http://api.example.com:/x") == "http://api.example.com/x")
        #expect(try form("http://93.184.216.34/x") == "http://93.184.216.34/x")
        #expect(try OutboundURL("http://[::ffff:127.0.0.1]/").host == .address(try #require(IPAddress("127.0.0.1"))))
    }

    @Test("random texts never crash the reader, and what it takes reads the same again")
    func fuzz() throws {
        var generator = SystemRandomNumberGenerator()
        let pieces = ["http", "s", ":", "//", "@", "[", "]", ".", "1", "0x", "a", "%", "?", "#", "/", "\\", "-", "::"]
        var taken = 0
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }.joined()
            guard let url = try? OutboundURL("http://" + text) else { continue }
            taken += 1
            #expect(try OutboundURL(url.description) == url, "\(text)")
        }
        #expect(taken > 0)
    }

    @Test(
        "addresses that are not of the public internet are refused",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
            "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
            "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
            "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
            "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::5db8:d822", "100::1", "2001::1",
            "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:5db8:d822::1", "3fff::1", "5f00::1",
            "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
        ]
    )
    func special(text: String) throws {
        #expect(!AddressPolicy().allows(try #require(IPAddress(text))))
    }

    @Test(
        "addresses of the public internet are allowed",
        arguments: [
            "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "198.17.0.1",
            "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2003::1", "64:ff9b::5db8:d822",
        ]
    )
    func global(text: String) throws {
        #expect(AddressPolicy().allows(try #require(IPAddress(text))))
    }

    @Test("this machine's addresses are refused however public, and an allowed network is allowed whatever it is")
    func ownAndAllowed() throws {
        let own = try #require(IPAddress("93.184.216.34"))
        #expect(!AddressPolicy(own: [own]).allows(own))
        #expect(!AddressPolicy(own: [own]).allows(try #require(IPAddress("64:ff9b::5db8:d822"))))
        let policy = AddressPolicy(allowed: [try #require(IPNetwork("127.0.0.0/8"))], own: [own])
        #expect(policy.allows(try #require(IPAddress("127.0.0.1"))))
        #expect(!policy.allows(try #require(IPAddress("10.0.0.1"))))
        #expect(!policy.allows(try #require(IPAddress("::1"))))
        #expect(OwnAddresses.read().contains(try #require(IPAddress("127.0.0.1"))))
    }

    @Test("ports of other servers are refused")
    func ports() {
        let policy = AddressPolicy()
        for port in [80, 443, 1024, 8080, 8443, 65_535] { #expect(policy.allows(port: port)) }
        for port in [0, 22, 25, 53, 81, 1023, 3306, 5432, 6379, 9735, 10_009, 11_211, 27_017] {
            #expect(!policy.allows(port: port))
        }
    }
}
