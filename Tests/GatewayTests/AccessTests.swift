// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import HTTPEdge
import HTTPTypes
import IPAddresses
import NIOCore
import Testing

@testable import Gateway

@Suite("Who a request is from and what it may")
struct AccessTests {
    func headers(_ values: [(String, String)]) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in values { fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        return fields
    }

    func request(_ values: [(String, String)] = [], isLocal: Bool = false) throws -> APIRequest {
        APIRequest(
            id: "1",
            method: .get,
            path: "/metrics",
            target: "/metrics",
            headers: try headers(values),
            authority: nil,
            body: ByteBuffer(),
            client: nil,
            isLocal: isLocal,
            parameters: [:],
            query: [:]
        )
    }

    @Test(
        "X-Forwarded-For is believed from trusted proxies only, and only up to the first untrusted hop",
        arguments: [
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, garbage", "10.0.0.1"),
            ("192.0.2.7", "203.0.113.9", "192.0.2.7"),
        ]
    )
    func forwarded(peer: String, header: String, client: String) throws {
        let rule = ClientAddressRule(trustedProxies: [try #require(IPNetwork("10.0.0.0/8"))])
        let found = rule.client(peer: IPAddress(peer), headers: try headers([("X-Forwarded-For", header)]))
        #expect(found == IPAddress(client))
    }

    @Test("the loopback scrapes free, others with the key only, and no key at all closes the route")
    func metrics() throws {
        let access = MetricsAccess(key: "k", isLoopbackFree: true)
        try access.check(request(isLocal: true))
        try access.check(request([("X-API-Key", "k")]))
        try access.check(request([("Authorization", "Bearer k")]))
        for wrong in [[], [("X-API-Key", "x")], [("X-API-Key", "")], [("Authorization", "Bearer ")]] {
            #expect(throws: APIError.self) { try access.check(request(wrong)) }
        }
        #expect(throws: APIError.self) {
            try MetricsAccess(key: "k", isLoopbackFree: false).check(request(isLocal: true))
        }
        #expect(throws: APIError.self) {
            try MetricsAccess(key: nil, isLoopbackFree: true).check(request([("X-API-Key", "")]))
        }
    }

    @Test("a client over its limit gets 429 with the time to wait, and others go on")
    func limits() throws {
        var configuration = RateLimitConfiguration()
        configuration.requestsPerMinute[.global] = 2
        let limits = RateLimits(configuration)
        let client = IPAddress("2001:db8::1")
        #expect(try limits.take(.global, client: client)[.rateLimitRemaining] == "1")
        // An IPv6 client has a whole /64 of addresses.
        #expect(try limits.take(.global, client: IPAddress("2001:db8::ffff"))[.rateLimitRemaining] == "0")
        do {
            _ = try limits.take(.global, client: client)
            Issue.record("served")
        } catch {
            #expect(error.code == .rateLimited)
            #expect(error.headers[.retryAfter] == "30")
        }
        #expect(try limits.take(.global, client: IPAddress("2001:db8:0:1::1"))[.rateLimitLimit] == "2")
        #expect(try limits.take(.unlimited, client: client).isEmpty)
    }
}
