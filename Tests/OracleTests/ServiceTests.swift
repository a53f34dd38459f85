// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Evidence
import Foundation
import LightningPrimitives
import Oracle
import Postgres
import PostgresTestSupport
import Testing
import TrustScore

@Suite("Services")
struct ServiceTests {
    private let now = Int64(Date().timeIntervalSince1970)

    private func hash(_ url: String) -> [UInt8] { Array(SHA256.hash(data: Data(url.utf8))) }

    private func add(_ client: PostgresClient, _ url: String, category: String, price: Int64?, status: Int32)
        async throws
    {
        let insert = """
            INSERT INTO endpoints (url_hash, url, canonical_url, host, name, category, sources, price_msat, last_status,
                check_count, success_count, last_checked_at, median_latency_ms, answer)
            VALUES ($1, $2, $2, split_part($2, '/', 3), 'Weather of ' || $2, $3, ARRAY['402index'], $4, $5, 10, 9, now(), 120, 'l402')
            """
        try await client.execute(
            Statement("test.endpoint", insert),
            [.bytea(hash(url)), .text(url), .text(category), price.map { .int8($0) } ?? .null, .int4(status)]
        )
    }

    private func outcomes(_ url: String, _ stages: [Stage: Bool], source: EvidenceSource = .paid) -> [Outcome] {
        stages.flatMap { stage, success in
            (0..<8).map {
                Outcome(
                    target: .endpoint(hash(url)),
                    source: source,
                    stage: stage,
                    success: success,
                    weight: 2,
                    label: "test",
                    observedAt: now - Int64($0) * 22_000
                )
            }
        }
    }

    @Test("a service's five stages, end-to-end probability, verdict and cost follow from its outcomes")
    func answer() async throws {
        try await OracleDatabase.with { client, oracle in
            try await add(client, "https://a", category: "data/weather", price: 21_500, status: 402)
            try await add(client, "https://b", category: "data/geo", price: nil, status: 402)
            let store = EvidenceStore(client)
            let good = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, true) })
            try await store.record(
                outcomes("https://a", good) + outcomes("https://a", [.challenge: true], source: .probe)
            )
            try await oracle.reload()
            let a = try #require(ServiceHash(hash("https://a")))
            let answer = try json(try #require(oracle.services.answer(a, nodes: oracle.snapshot, now: now)))
            let stages = try #require(answer["stages"] as? [String: Any])
            #expect(stages["measured_stages"] as? Int == 5)
            let rows = try #require(stages["stages"] as? [String: [String: Any]])
            #expect(rows.count == 5 && rows["payment"]?["is_meaningful"] as? Bool == true)
            let probability = try #require(stages["p_e2e"] as? Double)
            let measured = try #require(stages["p_e2e_measured"] as? Double)
            #expect(abs(probability - measured) < 0.001 && probability > 0.6)
            // Nothing but delivery and quality can waste the money.
            #expect(try #require(stages["expected_cost_sats"] as? Double) > 21.5)
            let metadata = try #require(answer["metadata"] as? [String: Any])
            #expect(metadata["priceSats"] as? Int == 22 && metadata["priceObserved"] as? Bool == true)
            let b = try #require(ServiceHash(hash("https://b")))
            let unknown = try json(try #require(oracle.services.answer(b, nodes: oracle.snapshot, now: now)))
            let bayesian = try #require(unknown["bayesian"] as? [String: Any])
            #expect(bayesian["verdict"] as? String == "INSUFFICIENT" || bayesian["verdict"] as? String == "RISKY")
            #expect(bayesian["is_meaningful"] as? Bool == false && bayesian["n_obs"] as? Double == 0)
            let missing = try #require(ServiceHash(hash("https://c")))
            #expect(oracle.services.answer(missing, nodes: oracle.snapshot, now: now) == nil)
        }
    }

    @Test("a stage nobody has tried is expected to work as it does for services of the same category")
    func priors() async throws {
        try await OracleDatabase.with { client, oracle in
            for number in 0..<7 {
                try await add(client, "https://s\(number)", category: "ai/chat", price: 1000, status: 402)
                if number > 0 {
                    try await EvidenceStore(client).record(outcomes("https://s\(number)", [.delivery: true]))
                }
            }
            _ = try await EndpointPriors(client).update()
            try await oracle.reload()
            let untried = try #require(ServiceHash(hash("https://s0")))
            let answer = try json(try #require(oracle.services.answer(untried, nodes: oracle.snapshot, now: now)))
            let stages = try #require((answer["stages"] as? [String: Any])?["stages"] as? [String: [String: Any]])
            let prior = try #require(stages["delivery"]?["prior"] as? [String: Any])
            #expect(prior["level"] as? String == "category")
            #expect(stages["delivery"]?["p_success"] as? Double ?? 0 > 0.85)
            #expect((stages["quality"]?["prior"] as? [String: Any])?["level"] as? String == "flat")
        }
    }

    @Test("lists are filtered and ordered as a whole before a page is cut")
    func listing() async throws {
        try await OracleDatabase.with { client, oracle in
            try await add(client, "https://cheap", category: "data/weather", price: 1000, status: 402)
            try await add(client, "https://dear", category: "data", price: 90_000, status: 200)
            try await add(client, "https://down", category: "data", price: 1, status: 503)
            try await add(client, "https://other", category: "database", price: 500, status: 402)
            try await oracle.reload()
            func urls(_ change: (inout ServiceQuery) -> Void) -> ([String], Int) {
                var query = ServiceQuery()
                change(&query)
                let page = oracle.services.list(query, nodes: oracle.snapshot, now: now)
                return (page.data.map(\.url), page.meta.total)
            }
            #expect(urls { $0.order = .price } == (["https://other", "https://cheap", "https://dear"], 3))
            #expect(
                urls {
                    $0.order = .price; $0.limit = 1; $0.offset = 1
                } == (["https://cheap"], 3)
            )
            #expect(
                urls {
                    $0.category = "DATA"; $0.order = .price
                } == (["https://cheap", "https://dear"], 2)
            )
            #expect(urls { $0.text = "WEATHER OF https://d" }.0 == ["https://dear"])
            #expect(urls { $0.text = "%" }.1 == 0)
            #expect(urls { $0.includesAll = true }.1 == 4)
            #expect(urls { $0.leastUptime = 0.95 }.1 == 0)
            #expect(urls { $0.leastProbability = 0.9 }.1 == 0)
            #expect(oracle.services.categories().map(\.category) == ["data", "data/weather", "database"])
        }
    }
}
