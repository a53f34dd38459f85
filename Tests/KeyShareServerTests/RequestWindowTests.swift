// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import IPAddresses
import Testing

@testable import KeyShareServer

@Suite("The limit of an address")
struct RequestWindowTests {
    @Test("the hundred-and-first request of a minute is refused, and the next minute begins anew")
    func window() {
        let limits = RequestWindow(limit: 100)
        let client = IPAddress("192.0.2.1")
        for number in 1...100 {
            let standing = limits.take(client, now: 5)
            #expect(standing.isAllowed && standing.remaining == 100 - number && standing.reset == 60)
        }
        let refused = limits.take(client, now: 64.5)
        #expect(!refused.isAllowed && refused.remaining == 0 && refused.reset == 1)
        #expect(limits.take(IPAddress("192.0.2.2"), now: 64.5).isAllowed)
        #expect(limits.take(client, now: 65).remaining == 99)
    }

    @Test("the fields have the names and values that clients of Oko know")
    func fields() throws {
        let limits = RequestWindow(limit: 2)
        let names = ["RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"]
        func values(_ standing: RequestWindow.Standing) -> [String?] {
            names.map { name in HTTPField.Name(name).flatMap { standing.fields[$0] } }
        }
        #expect(values(limits.take(nil, now: 0)) == ["2;w=60", "2", "1", "60", nil])
        #expect(values(limits.take(nil, now: 10.2)) == ["2;w=60", "2", "0", "50", nil])
        #expect(values(limits.take(nil, now: 20)) == ["2;w=60", "2", "0", "40", "40"])
    }

    @Test("addresses of one IPv6 /64 are one client")
    func networks() {
        let limits = RequestWindow(limit: 1)
        #expect(limits.take(IPAddress("2001:db8:0:1::1"), now: 0).isAllowed)
        #expect(!limits.take(IPAddress("2001:db8:0:1:ffff::2"), now: 0).isAllowed)
        #expect(limits.take(IPAddress("2001:db8:0:2::1"), now: 0).isAllowed)
    }

    @Test("a crowd of addresses does not fill the memory")
    func bounded() {
        let limits = RequestWindow(limit: 5, capacity: 100)
        for number in 0..<10_000 {
            _ = limits.take(IPAddress("10.0.\(number / 256).\(number % 256)"), now: Double(number) / 100)
        }
        #expect(limits.count <= 100)
    }
}
