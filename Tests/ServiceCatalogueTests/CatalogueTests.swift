// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import ServiceCatalogue
import Testing

/// A file with one service whose routes are given.
func file(routes: String, service: String = "") -> String {
    """
    services:
      - name: a
        backend: http://127.0.0.1:1
    \(service.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
        routes:
    \(routes.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n"))
    """
}

func catalogue(_ text: String) throws -> Catalogue { try Catalogue(parsing: Array(text.utf8)) }

@Suite("Catalogue: which route answers")
struct MatchingTests {
    private func route(_ catalogue: Catalogue, _ method: String, _ path: String, host: String? = nil) -> String {
        switch catalogue.match(authority: host, method: method, path: path) {
        case .none: "none"
        case .badPath: "bad path"
        case .methodNotAllowed(let allow): allow.joined(separator: " ")
        case .found(let finding): "\(finding.service.name) \(finding.route.pattern)"
        }
    }

    @Test("the most specific route wins, in whatever order the routes stand")
    func specificity() throws {
        let routes = ["/**", "/v1/**", "/v1/{a}", "/v1/x", "/v1/{a}/**", "/v1/x/{b}", "/{z}/x"]
        for _ in 0..<20 {
            let lines = routes.shuffled().map { "- {path: \"\($0)\", price: 0}" }.joined(separator: "\n")
            let found = try catalogue(file(routes: lines))
            #expect(route(found, "GET", "/v1/x") == "a /v1/x")
            #expect(route(found, "GET", "/v1/y") == "a /v1/{a}")
            #expect(route(found, "GET", "/v1/x/y") == "a /v1/x/{b}")
            #expect(route(found, "GET", "/v1/y/y") == "a /v1/{a}/**")
            #expect(route(found, "GET", "/v1") == "a /v1/**")
            #expect(route(found, "GET", "/v2/x") == "a /{z}/x")
            #expect(route(found, "GET", "/") == "a /**")
        }
    }

    @Test("a path is decoded once, and one that can be read in two ways matches nothing")
    func decoding() throws {
        let found = try catalogue(file(routes: "- {path: /free/**, price: 0}\n- {path: /paid, price: 1sat}"))
        #expect(route(found, "GET", "/%70aid") == "a /paid")
        #expect(route(found, "GET", "//paid/.") == "a /paid")
        for path in ["/free/../paid", "/free/%2e%2e/paid", "/free/..%2Fpaid", "/free\\..\\paid", "/%zz", "paid"] {
            #expect(route(found, "GET", path) == "bad path")
        }
        #expect(route(found, "GET", "/free/%252e%252e/paid") == "a /free/**")
    }

    @Test("a method the path does not answer is told apart from a path nobody answers")
    func methods() throws {
        let found = try catalogue(
            file(
                routes: """
                    - {path: /a, price: 0}
                    - {path: /a, methods: [POST], price: 1sat}
                    - {path: "/{x}", methods: [PUT], price: 0}
                    - {path: /any, methods: ["*"], price: 0}
                    """
            )
        )
        #expect(route(found, "GET", "/a") == "a /a")
        #expect(route(found, "HEAD", "/a") == "a /a")
        #expect(route(found, "PUT", "/a") == "a /{x}")
        #expect(route(found, "DELETE", "/a") == "GET HEAD OPTIONS POST PUT")
        #expect(route(found, "PROPFIND", "/any") == "a /any")
        #expect(route(found, "GET", "/a/b") == "none")
    }

    @Test(
        "a host that a service names belongs to it alone; the longest wildcard wins; others go to services without hosts"
    )
    func hosts() throws {
        let found = try catalogue(
            """
            services:
              - {name: exact, hosts: [api.example], backend: "http://h", routes: [{path: /x, price: 0}]}
              - {name: wide, hosts: ["*.example"], backend: "http://h", routes: [{path: /x, price: 0}, {path: /y, price: 0}]}
              - {name: deep, hosts: ["*.eu.example"], backend: "http://h", routes: [{path: /x, price: 0}]}
              - {name: open, backend: "http://h", routes: [{path: /x, price: 0}, {path: /y, price: 0}]}
            """
        )
        #expect(route(found, "GET", "/x", host: "API.example:8080") == "exact /x")
        #expect(route(found, "GET", "/y", host: "api.example.") == "none")
        #expect(route(found, "GET", "/x", host: "b.example") == "wide /x")
        #expect(route(found, "GET", "/x", host: "a.b.eu.example") == "deep /x")
        #expect(route(found, "GET", "/y", host: "example") == "open /y")
        #expect(route(found, "GET", "/y", host: "[::1]:80") == "open /y")
        #expect(route(found, "GET", "/y") == "open /y")
        #expect(found.claims(authority: "x.example"))
        #expect(!found.claims(authority: "other"))
    }

    @Test("what is forwarded is what was matched: prefixes, encoding and final slash")
    func forwarding() throws {
        let found = try catalogue(
            """
            services:
              - name: a
                backend: "https://h/base/"
                strip_path_prefix: /pre
                routes: [{path: /pre/**, price: 0}]
            """
        )
        func forwarded(_ path: String) -> String? {
            guard case .found(let finding) = found.match(authority: nil, method: "GET", path: path) else { return nil }
            return finding.forwardedPath
        }
        #expect(forwarded("/pre/a/b") == "/base/a/b")
        #expect(forwarded("//pre/./a/") == "/base/a/")
        #expect(forwarded("/pre") == "/base")
        #expect(forwarded("/pre/a%20b%3Fc%3b%C3%A9") == "/base/a%20b%3Fc%3B%C3%A9")
        #expect(forwarded("/pre/%0a") == nil)
    }

    @Test("capabilities, accounts and free requests have sensible defaults")
    func defaults() throws {
        let found = try catalogue(
            file(
                routes: """
                    - {path: "/V1/For Cast/{city}/**", price: 1sat}
                    - {path: "/{x}", price: 1sat, free_per_day: 0}
                    - {path: "/own/x", price: 1sat, free_per_day: 7}
                    """.replacingOccurrences(of: "For Cast", with: "ForCast!"),
                service: "free_per_day: 3"
            )
        )
        let routes = found.services[0].routes
        #expect(routes.map(\.capability) == ["v1-forcast-", "root", "own-x"])
        #expect(routes[0].methods == .only(["GET"]))
        #expect(routes[0].schemes == [.l402, .payment])
        guard case .found(let first) = found.match(authority: nil, method: "GET", path: "/V1/ForCast!/x"),
            case .found(let second) = found.match(authority: nil, method: "GET", path: "/z"),
            case .found(let third) = found.match(authority: nil, method: "GET", path: "/own/x")
        else {
            Issue.record("a route is missing")
            return
        }
        #expect(first.freeAllowance?.limit == 3)
        #expect(first.freeAllowance?.account == "a")
        #expect(second.freeAllowance == nil)
        #expect(third.freeAllowance?.account == "a/own-x")
        #expect(third.account == "a/own-x")
    }

    @Test("what is forwarded matches the same route again, whatever path was asked for")
    func agreement() throws {
        let found = try catalogue(
            file(routes: "- {path: /a/**, price: 0}\n- {path: \"/a/{x}\", price: 1sat}\n- {path: /a/b, price: 2sat}")
        )
        var generator = SystemRandomNumberGenerator()
        let parts = ["a", "b", "/", "//", ".", "..", "%2e", "%2F", "%25", ";", "%5c", "é", "?", "%00", "~", " "]
        for _ in 0..<5000 {
            let count = Int.random(in: 0..<8, using: &generator)
            let path = "/" + (0..<count).map { _ in parts.randomElement() ?? "" }.joined()
            guard case .found(let first) = found.match(authority: nil, method: "GET", path: path) else { continue }
            let forwarded = first.forwardedPath
            guard case .found(let second) = found.match(authority: nil, method: "GET", path: forwarded) else {
                Issue.record("\(path) is forwarded as \(forwarded), which matches nothing")
                continue
            }
            #expect(second.route == first.route)
            #expect(second.forwardedPath == forwarded)
        }
    }
}

@Suite("Catalogue: prices")
struct PriceTests {
    private func price(_ text: String, body: Int?) throws -> Int64? {
        let found = try catalogue(file(routes: "- {path: /, methods: [POST], price: \(text)}"))
        switch found.services[0].routes[0].price.quote(bodyBytes: body) {
        case .price(let price, _): return price.msat
        case .lengthRequired: return nil
        }
    }

    @Test(
        "a price by size counts each KiB that has begun, within its bounds",
        arguments: [
            ("2sat", 5000, 2000), ("1500msat", 0, 1500), ("0", 9, 0),
            ("{base: 1sat, per_kib: 100msat}", 0, 1000), ("{base: 1sat, per_kib: 100msat}", 1, 1100),
            ("{base: 1sat, per_kib: 100msat}", 1024, 1100), ("{base: 1sat, per_kib: 100msat}", 1025, 1200),
            ("{per_kib: 100msat, min: 1sat}", 1, 1000), ("{per_kib: 100msat, max: 1sat}", 1 << 20, 1000),
            ("{per_kib: 2100000000000000sat}", Int.max, 2_100_000_000_000_000_000),
        ]
    )
    func quotes(text: String, body: Int, msat: Int64) throws {
        #expect(try price(text, body: body) == msat)
    }

    @Test("a body of unknown length costs the greatest price, or needs a length when there is none")
    func unknownLength() throws {
        #expect(try price("{base: 1sat, per_kib: 1sat, max: 9sat}", body: nil) == 9000)
        #expect(try price("{base: 1sat, per_kib: 1sat}", body: nil) == nil)
        #expect(try price("3sat", body: nil) == 3000)
    }

    @Test("a larger body never costs less")
    func monotone() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let numbers = (0..<3).map { _ in Int64.random(in: 0..<5000, using: &generator) }
            let sized = SizedPrice(
                base: MilliSatoshi(msat: numbers[0]),
                perKiB: MilliSatoshi(msat: numbers[1]),
                least: MilliSatoshi(msat: numbers[2]),
                most: MilliSatoshi(msat: numbers[2] + 9000)
            )
            let sizes = (0..<10).map { _ in Int.random(in: 0..<100_000, using: &generator) }.sorted()
            let prices = sizes.map { size -> Int64 in
                guard case .price(let price, _) = RoutePrice.sized(sized).quote(bodyBytes: size) else { return -1 }
                return price.msat
            }
            #expect(prices == prices.sorted())
            #expect(prices.allSatisfy { (numbers[2]...(numbers[2] + 9000)).contains($0) })
        }
    }
}

@Suite("Catalogue: explanations")
struct ExplanationTests {
    private func example() throws -> Catalogue {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appendingPathComponent("Examples/services/services.yaml"))
        return try Catalogue(parsing: Array(data))
    }

    @Test("the example is valid and says what a request costs, step by step")
    func paid() throws {
        let found = try example()
            .explain(authority: "api.example.com", method: "POST", path: "/v1/upload", bodyBytes: 70_000)
        #expect(found.outcome == .paid)
        #expect(found.price == MilliSatoshi(msat: 7900))
        #expect(found.upstream == "https://weather.internal.example:8443/base/v1/upload")
        #expect(found.steps.contains("price 7900msat: 1sat + 69 KiB x 100msat = 7900msat"))
        #expect(found.steps.contains { $0.contains("first 10 requests a day") })
    }

    @Test("free, shadow and refused requests are told apart, with the reason")
    func others() throws {
        let found = try example()
        func outcome(_ method: String, _ path: String, _ host: String? = "api.example.com", body: Int? = 0) -> String {
            let explanation = found.explain(authority: host, method: method, path: path, bodyBytes: body)
            return "\(explanation.outcome.rawValue): \(explanation.steps.last ?? "")"
        }
        #expect(outcome("GET", "/v1/status").hasPrefix("free: forwarded to https://"))
        #expect(outcome("GET", "/v2").hasPrefix("refused: path /v2: no route matches: 404"))
        #expect(outcome("PUT", "/v1/upload").hasSuffix("OPTIONS, POST: 405"))
        #expect(outcome("POST", "/v1/upload", body: 100 << 20).hasSuffix(": 413"))
        #expect(outcome("GET", "/v1/../x").hasSuffix(": 400"))
        #expect(outcome("DELETE", "/notes/1", nil).hasPrefix("shadow: forwarded to http://127.0.0.1:8081/1"))
        #expect(outcome("GET", "/notes/health", "other.example").hasPrefix("free: "))
    }
}
