// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import Registries
import Testing

/// Reading what directories say.
struct RegistryReadingTests {
    static func fixture(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
        return Array(try Data(contentsOf: url))
    }

    @Test("a page of 402index is read: rows with templates are left out, prices and measurements are kept")
    func index402() throws {
        let page = try #require(Index402.page(Self.fixture("402index")))
        #expect(page.rows == 33 && page.services.count == 29)
        #expect(page.skipped == ["template": 4])
        let first = try #require(page.services.first { $0.url == "https://l402.services/predictions/signals" })
        #expect(first.price == .sat(10) && first.method == "GET" && first.category == "data/markets")
        #expect(first.signals?.reliability == 61 && first.signals?.health == "degraded")
        #expect(first.signals?.lastChecked == 1_780_833_660)
        #expect(first.signals?.priorMean == 0.61)
        #expect(page.services.contains { $0.method == "POST" })
    }

    @Test("of l402.directory the paid endpoints of live services are read")
    func l402Directory() throws {
        let page = try #require(L402Directory.page(Self.fixture("l402-directory")))
        #expect(page.rows == 33)
        #expect(page.services.count + page.skipped.values.reduce(0, +) == 33)
        #expect((page.skipped["not_live"] ?? 0) > 0 && page.services.count > 0)
        #expect(page.services.allSatisfy { $0.consumptionType == "api_response" && $0.price != nil })
        #expect(page.services.allSatisfy { $0.providerContact == "ops@example.org" })
    }

    @Test("odd members are absent, and what is no row is counted")
    func odd() throws {
        let body = """
            {"services": [
              {"url": "https://a.example/x", "price_sats": "21", "uptime_30d": 99.5, "reliability_score": 1e9,
               "name": "A\\u0000B\\nC", "http_method": "DELETE", "last_checked": "yesterday"},
              {"url": "https://b.example/", "price_sats": true, "latency_p50_ms": -1, "name": 7},
              {"url": "ftp://c.example/"}, {"url": "https://d.example/", "protocol": "x402"}, {"url": 5}, 7, null, [],
              {"url": "https://e.example/:id"}, {"url": "https://f.example/%7Bid%7D"}, {"price_sats": 1}
            ]}
            """
        let page = try #require(Index402.page(Array(body.utf8)))
        #expect(page.services.map(\.url) == ["https://a.example/x", "https://b.example/"])
        #expect(page.skipped == ["url": 1, "protocol": 1, "malformed": 5, "template": 2])
        let first = page.services[0]
        #expect(first.price == .sat(21) && first.signals?.uptime30d == 0.995 && first.signals?.reliability == nil)
        #expect(first.name == "A B C" && first.method == "GET" && first.signals?.lastChecked == nil)
        #expect(page.services[1].price == nil && page.services[1].name == nil)
    }

    @Test("a text cannot be longer than its limit in bytes, nor turn the direction of what stands beside it")
    func texts() throws {
        let long = "a" + String(repeating: "\u{301}", count: 5000)
        let body = """
            {"services": [{"status": "live", "name": "evil\u{202E}moc.", "categories": ["\(long)"], "endpoints": [
              {"url": "https://a.example/", "pricing": {"amount": 1}},
              {"url": "https://b.example/", "pricing": {"amount": 1}}]},
             {"status": "live", "categories": ["Data\\u001b[31m"], "endpoints": [
              {"url": "https://c.example/", "pricing": {"amount": 1}}]}]}
            """
        let page = try #require(L402Directory.page(Array(body.utf8)))
        #expect(page.services.count == 3)
        #expect(page.services.allSatisfy { ($0.category ?? "").utf8.count <= 100 })
        #expect(page.services[0].name == "evilmoc." && page.services[2].category == "data [31m")
    }

    @Test("hostile documents give no page or a clean one, and never stop the reader")
    func fuzz() throws {
        var generator = SystemRandomNumberGenerator()
        for name in ["402index", "l402-directory"] {
            let whole = try Self.fixture(name)
            for length in stride(from: 0, to: whole.count, by: 97) {
                _ = Index402.page(Array(whole.prefix(length)))
                _ = L402Directory.page(Array(whole.prefix(length)))
            }
            for _ in 0..<300 {
                var altered = whole
                for _ in 0..<5 {
                    let index = Int.random(in: 0..<altered.count, using: &generator)
                    altered[index] = UInt8.random(in: .min ... .max, using: &generator)
                }
                for page in [Index402.page(altered), L402Directory.page(altered)].compactMap({ $0 }) {
                    for service in page.services {
                        #expect(service.url.utf8.count <= 500 && service.url.hasPrefix("http"))
                        #expect((service.name?.utf8.count ?? 0) <= 200)
                        #expect(service.price.map { $0 > .zero } ?? true)
                        let texts = [service.name, service.description, service.provider, service.category]
                        #expect(!texts.compactMap { $0 }.contains { $0.contains("\0") })
                    }
                }
            }
        }
        for text in ["", "null", "7", "\"x\"", "{}", "{\"services\":{}}", "{\"services\":7}"] {
            #expect(Index402.page(Array(text.utf8)) == nil)
            #expect(L402Directory.page(Array(text.utf8)) == nil)
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 200_000)
        #expect(Index402.page(deep) == nil && L402Directory.page(deep) == nil)
    }
}
