// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Postgres
import PostgresTestSupport
import Registries
import ServiceChecks
import ServiceProbing
import Testing

/// The catalogue: merging what several sources say.
struct CatalogueTests {
    static func withStore(_ body: @escaping @Sendable (PostgresClient, EndpointStore) async throws -> Void) async throws
    {
        try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
            try await body(client, EndpointStore(client))
        }
    }

    private static func listed(
        _ url: String,
        _ source: ServiceSource = .index402,
        name: String? = nil,
        sats: Int64? = nil,
        reliability: Double? = nil
    ) -> ListedService {
        var service = ListedService(source: source, url: url)
        service.name = name
        service.price = sats.map { .sat($0) }
        service.signals = reliability.map { UpstreamSignals(reliability: $0) }
        return service
    }

    private static func texts(_ client: PostgresClient, _ column: String, _ url: String) async throws -> String? {
        let statement = Statement.test("SELECT (\(column))::text FROM endpoints WHERE url = $1")
        return try await client.query(statement, [.text(url)]).first?.optionalText(0)
    }

    @Test("what several sources say becomes one row: the higher source's word counts, the other fills what is empty")
    func merge() async throws {
        try await Self.withStore { (client, store) async throws in
            let url = "https://a.example/x"
            _ = try await store.ingest([Self.listed(url, name: "index", sats: 10, reliability: 80)]) { _ in true }
            var directory = Self.listed(url, .l402Directory, name: "directory", sats: 20)
            directory.providerContact = "ops@a.example"
            let second = try await store.ingest([directory]) { _ in true }
            #expect(second.added == 0 && second.updated == 1)
            _ = try await store.ingest([Self.listed(url, name: "index again", sats: 11, reliability: 90)]) { _ in true }
            #expect(try await Self.texts(client, "name", url) == "directory")
            #expect(try await Self.texts(client, "advertised_msat", url) == "20000")
            #expect(try await Self.texts(client, "sources", url) == "{402index,l402.directory}")
            #expect(try await Self.texts(client, "upstream_reliability", url) == "90")
            #expect(try await Self.texts(client, "upstream_source", url) == "402index")
            #expect(try await Self.texts(client, "provider_contact", url) == "ops@a.example")
        }
    }

    @Test("no host gets more new rows than a run and the catalogue allow, and known ones are updated all the same")
    func caps() async throws {
        try await Self.withStore { (client, store) async throws in
            let many = (0..<150).map { Self.listed("https://big.example/\($0)") } + [Self.listed("https://b.example/")]
            let caps = HostCaps(perRun: 50, total: 80)
            let first = try await store.ingest(many, caps: caps) { _ in true }
            #expect(first.added == 51 && first.skipped == ["host_cap": 100])
            let second = try await store.ingest(many, caps: caps) { _ in true }
            #expect(second.added == 30 && second.updated == 51 && second.skipped == ["host_cap": 70])
            let third = try await store.ingest(many, caps: caps) { _ in true }
            #expect(third.added == 0 && third.updated == 81)
        }
    }

    @Test("URLs that may not be asked are left out, and one URL in two spellings is one row")
    func urls() async throws {
        try await Self.withStore { (client, store) async throws in
            let rows = [
                "https://a.example/x/", "HTTPS://A.example:443/x", "https://a.example/x?b=1&a=2",
                "https://a.example/x?a=2&b=1", "http://127.0.0.1/", "https://b.example/y?z=1", "https://b.example/y",
            ]
            let report = try await store.ingest(rows.map { Self.listed($0) }) { !$0.contains("127.0.0.1") }
            #expect(report.added == 4 && report.skipped == ["url": 1, "duplicate": 2])
            // Again: the hashes stay with their URLs.
            #expect(try await store.ingest(rows.map { Self.listed($0) }) { _ in true }.updated == 4)
            let plain = try #require(try await store.find(url: "https://a.example/x"))
            let query = try #require(try await store.find(url: "https://a.example/x?b=1&a=2"))
            #expect(plain.hash == EndpointIdentity("https://a.example/x")?.hash)
            #expect(query.hash == EndpointIdentity("https://a.example/x?a=2&b=1")?.alternateHash)
            let first = try #require(try await store.find(url: "https://b.example/y?z=1"))
            let second = try #require(try await store.find(url: "https://b.example/y"))
            #expect(first.hash == EndpointIdentity("https://b.example/y")?.hash && second.hash != first.hash)
        }
    }

    @Test("an endpoint that is due is taken by one of many")
    func claim() async throws {
        try await Self.withStore { (client, store) async throws in
            _ = try await store.ingest((0..<60).map { Self.listed("https://h\($0).example/") }) { _ in true }
            let taken = try await withThrowingTaskGroup(of: [Endpoint].self) { group in
                for _ in 0..<4 { group.addTask { try await store.claimDue(limit: 25) } }
                return try await group.reduce(into: [[UInt8]]()) { $0 += $1.map(\.hash) }
            }
            #expect(taken.count == Set(taken).count)
            let rest = try await store.claimDue(limit: 100)
            #expect(taken.count + rest.count == 60)
            #expect(try await store.claimDue(limit: 100).isEmpty)
        }
    }

    @Test("queries add to demand, and demand fades")
    func demand() async throws {
        try await Self.withStore { (client, store) async throws in
            let url = "https://a.example/"
            _ = try await store.ingest([Self.listed(url)]) { _ in true }
            let hash = try #require(try await store.find(url: url)).hash
            try await store.noteQuery(hash)
            try await store.noteQuery(hash)
            #expect(try await Self.texts(client, "round(demand::numeric, 3)", url) == "2.000")
            try await client.execute(
                Statement.test("UPDATE endpoints SET last_query_at = last_query_at - interval '3 days'")
            )
            try await store.noteQuery(hash)
            #expect(try await Self.texts(client, "round(demand::numeric, 3)", url) == "1.736")
            #expect((try await store.find(hash)?.secondsSinceQuery ?? 99) < 60)
        }
    }
}
