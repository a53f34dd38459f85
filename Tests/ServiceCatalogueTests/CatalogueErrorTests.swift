// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServiceCatalogue
import Testing
import YAML

@Suite("Catalogue: what is wrong with a file")
struct CatalogueErrorTests {
    private func problems(_ text: String) -> [CatalogueProblem] {
        do {
            _ = try catalogue(text)
            return []
        } catch {
            return (error as? CatalogueError)?.problems ?? []
        }
    }

    @Test(
        "a wrong value is told with its key and the remedy",
        arguments: [
            ("price: 2", "services[0].routes[0].price", "2sat"),
            ("price: -1sat", "services[0].routes[0].price", "2sat"),
            ("price: 1.5sat", "services[0].routes[0].price", "1500msat"),
            ("price: {base: 1sat}", "services[0].routes[0].price.per_kib", "missing"),
            ("price: {per_kib: 1sat, min: 2sat, max: 1sat}", "services[0].routes[0].price.max", "less than min"),
            ("price: 99999999999999999999sat", "services[0].routes[0].price", "2sat"),
            ("price: 0\n  tier: 256", "services[0].routes[0].tier", "0 to 255"),
            ("price: 0\n  auth: yes", "services[0].routes[0].auth", "on, off or shadow"),
            ("price: 0\n  auth: shadow", "services[0].routes[0].auth", "free"),
            ("price: 0\n  methods: [get]", "services[0].routes[0].methods", "upper case"),
            ("price: 0\n  methods: [CONNECT]", "services[0].routes[0].methods", "upper case"),
            ("price: 0\n  methods: []", "services[0].routes[0].methods", "list"),
            ("price: 0\n  capability: a,b", "services[0].routes[0].capability", "a word"),
            ("price: 0\n  shemes: [l402]", "services[0].routes[0].shemes", "did you mean 'schemes'?"),
            ("price: 0\n  quux: 1", "services[0].routes[0].quux", "there is: auth, capability"),
            ("price: 0\n  requests_per_invoice: 0", "services[0].routes[0].requests_per_invoice", "from 1"),
            ("tier: 1", "services[0].routes[0].price", "is missing; write a price"),
        ]
    )
    func route(lines: String, key: String, remedy: String) {
        let found = problems(file(routes: "- path: /\n  \(lines)"))
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.key == key)
        #expect(found.first?.reason.contains(remedy) == true, "\(found)")
        #expect((found.first?.mark.line ?? 0) > 4)
    }

    @Test(
        "a path that could not match as it is meant is refused",
        arguments: [
            "a", "/a//b", "/./a", "/a/../b", "/a/*", "/a/**/b", "/a/{b", "/a/{}", "/a/x{b}", "/{a}/{a}", "/a%20b",
            "/a?b", "/a b", "",
        ]
    )
    func paths(path: String) {
        #expect(problems(file(routes: "- {path: '\(path)', price: 0}")).map(\.key) == ["services[0].routes[0].path"])
    }

    @Test(
        "a wrong service is told with its key and the remedy",
        arguments: [
            ("timeouts: {conect: 5s}", "services[0].timeouts.conect", "did you mean 'connect'?"),
            ("timeouts: {stall: 5}", "services[0].timeouts.stall", "such as"),
            ("body_limit: 10MB", "services[0].body_limit", "10MiB"),
            ("token_lifetime: 5s", "services[0].token_lifetime", "at least 60s"),
            ("hosts: [a/b]", "services[0].hosts", "host names"), ("hosts: a", "services[0].hosts", "list"),
            ("hosts: ['a:80']", "services[0].hosts", "without port"),
            ("tls: {ca_file: x}", "services[0].tls.", "http://"),
            ("request_headers: {set: {Connection: x}}", "services[0].request_headers.set.Connection", "proxy itself"),
            ("request_headers: {set: {L402-Tier: x}}", "services[0].request_headers.set.L402-Tier", "proxy itself"),
            ("request_headers: {set: {'a b': x}}", "services[0].request_headers.set.a b", "header's name"),
            ("request_headers: {set: {a: \"x\\r\\ny\"}}", "services[0].request_headers.set.a", "line of text"),
            ("request_headers: {set: {a: {fle: x}}}", "services[0].request_headers.set.a.fle", "did you mean 'file'?"),
            ("limits: {requests_per_second: 0}", "services[0].limits.requests_per_second", "from 1"),
            ("strip_path_prefix: /other", "services[0].routes[0].path", "strip_path_prefix /other"),
        ]
    )
    func service(line: String, key: String, remedy: String) {
        let found = problems(file(routes: "- {path: /, price: 0}", service: line))
        #expect(found.contains { $0.key == key && $0.reason.contains(remedy) }, "\(found)")
    }

    @Test(
        "a backend that is not an address is refused",
        arguments: [
            "h", "ftp://h", "http://", "http://u:p@h", "http://h?x", "http://h#x", "http://h:0", "http://h:70000",
            "http://h/../x",
        ]
    )
    func backends(backend: String) {
        let text = "services: [{name: a, backend: '\(backend)', routes: [{path: /, price: 0}]}]"
        #expect(problems(text).map(\.key) == ["services[0].backend"])
    }

    @Test("two routes for the same requests are refused, also across services that share a host")
    func ambiguity() {
        let same = file(routes: "- {path: \"/a/{x}\", price: 0}\n- {path: \"/a/{y}\", price: 1sat}")
        #expect(problems(same).first?.reason.contains("the same requests of any host as the route in line 6") == true)
        #expect(
            problems(file(routes: "- {path: /a, price: 0}\n- {path: /a, methods: [PUT], price: 1sat}")).isEmpty
        )
        let services = """
            services:
              - {name: a, hosts: [x, y], backend: "http://h", routes: [{path: /, price: 0}]}
              - {name: b, hosts: [y, z], backend: "http://h", routes: [{path: /, price: 0}]}
            """
        #expect(problems(services).map(\.key) == ["services[1].routes[0]"])
    }

    @Test("names are unique, and 'assay' is taken")
    func names() {
        let service = "backend: 'http://h', routes: [{path: /, price: 0}]"
        let text =
            "services:\n - {name: assay, \(service)}\n - {name: b, hosts: [x], \(service)}\n"
            + " - {name: b, hosts: [z], \(service)}"
        #expect(problems(text).map(\.key) == ["services[0].name", "services[2].name"])
        #expect(problems("services: [{name: A, \(service)}]").map(\.key) == ["services[0].name"])
    }

    @Test("everything wrong is told at once, in the file's order")
    func all() {
        let found = problems("servces: []\nservices:\n  - nme: a\n    backend: x\n    routes: []\n")
        #expect(
            found.map(\.key) == [
                "servces", "services[0].name", "services[0].nme", "services[0].backend", "services[0].routes",
            ]
        )
        for text in ["[]", "a", "services:", "services: []", "services: {}", "services: [1]", ""] {
            #expect(!problems(text).isEmpty)
        }
    }

    @Test("no truncation, exchanged byte or deleted line of the example crashes the reader")
    func fuzz() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try Data(contentsOf: root.appendingPathComponent("Examples/services/services.yaml"))
        let valid = Array(text)
        for length in stride(from: 0, to: valid.count, by: 7) {
            _ = try? Catalogue(parsing: Array(valid.prefix(length)))
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1500 {
            var bytes = valid
            for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<7) }
            guard let found = try? Catalogue(parsing: bytes) else { continue }
            _ = found.match(authority: "api.example.com", method: "GET", path: "/v1/forecast/x")
        }
        let lines = String(decoding: valid, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for index in lines.indices {
            var fewer = lines
            fewer.remove(at: index)
            _ = try? catalogue(fewer.joined(separator: "\n"))
        }
    }
}
