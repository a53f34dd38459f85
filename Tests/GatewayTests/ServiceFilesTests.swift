// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gate
import HTTPTypes
import LightningPrimitives
import Logging
import Testing

@testable import Gateway

@Suite("Services and their files")
struct ServiceFilesTests {
    /// A directory that is removed with the test.
    final class Place: Sendable {
        let path = NSTemporaryDirectory() + "services-\(UUID().uuidString)/"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + name), options: .atomic)
        }
    }

    private func services(_ name: String, price: String = "1sat", headers: String = "{X-Key: {file: key}}") -> String {
        """
        services:
          - name: \(name)
            backend: http://127.0.0.1:1
            request_headers: {set: \(headers)}
            routes: [{path: "/a/{x}", price: \(price)}, {path: /free, price: 0}, {path: /off, price: 1sat, auth: off}]
        """
    }

    private func open(_ place: Place) -> (ServiceTable, ServiceFiles) {
        let table = ServiceTable()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return (table, ServiceFiles(path: place.path + "services.yaml", table: table, logger: logger))
    }

    @Test("a changed file, or a changed file that it names, is taken; a wrong one leaves what is there")
    func reloading() async throws {
        let place = try Place()
        let (table, files) = open(place)
        await #expect(throws: ServiceFiles.Unusable.self) { try await files.load() }
        try place.write("services.yaml", services("one"))
        let missing = await #expect(throws: ServiceFiles.Unusable.self) { try await files.load() }
        #expect(missing?.description.contains(place.path + "key") == true)
        try place.write("key", "secret\n")
        #expect(try await files.load())
        #expect(table.names == ["one"])
        #expect(try await files.load() == false)

        try place.write("services.yaml", services("two", price: "1"))
        let wrong = await #expect(throws: ServiceFiles.Unusable.self) { try await files.load() }
        #expect(wrong?.description.contains("services.yaml: line 5") == true)
        try place.write("services.yaml", services("two", headers: "{X-Key: {file: key}, X-B: {file: b}}"))
        try place.write("b", "two\nlines")
        let twoLines = await #expect(throws: ServiceFiles.Unusable.self) { try await files.load() }
        #expect(twoLines?.description.contains("one line") == true)
        #expect(twoLines?.description.contains("lines\n") == false)
        #expect(table.names == ["one"])

        try place.write("b", "two")
        await files.reload()
        #expect(table.names == ["two"])
        let before = try #require(table.snapshot.upstreams["two"])
        try place.write("key", "another")
        #expect(try await files.load())
        let after = try #require(table.snapshot.upstreams["two"])
        #expect(before !== after)
        #expect(before.proxy === after.proxy)
    }

    @Test("only what is sold is listed, with its terms")
    func sold() async throws {
        let place = try Place()
        let (table, files) = open(place)
        try place.write("key", "k")
        try place.write("services.yaml", services("one", price: "{base: 1sat, per_kib: 2sat}"))
        try await files.load()
        #expect(table.sold.map(\.path) == ["/a/{x}"])
        let route = try #require(table.sold.first)
        #expect(route.priceFormula == "1sat + 2sat/KiB")
        #expect(route.product.price.msat == 1000)
        #expect(route.product.route == "one/a")
        #expect(route.product.method == nil)
        #expect(route.product.pathPrefix == nil)
    }

    @Test("our own paths are told from others as the router does it: undecoded, by segments")
    func nativePaths() {
        let documentation = RouteDocumentation("")
        let routes = ["/api/profile/{ident}", "/metrics"].map { path in
            APIRoute(.get, path, limiter: .global, documentation: documentation, access: .free { _ in APIResponse() })
        }
        let native = NativePaths(routes)
        for path in ["/api/profile/x", "//api/profile//x/", "/metrics", "/metrics/"] { #expect(native.contains(path)) }
        for path in ["/", "/api/profile", "/api/profile/x/y", "/Metrics", "/%6detrics", "/api"] {
            #expect(!native.contains(path))
        }
    }
}
