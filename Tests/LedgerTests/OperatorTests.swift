// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LightningPrimitives
import PostgresTestSupport
import Testing

@testable import Ledger

@Suite("Operators and revocations")
struct OperatorTests {
    @Test("a credential is good for its kind until it expires or is revoked, and only its hash is stored")
    func credentials() async throws {
        try await Fixture.with { fixture in
            let credentials = OperatorCredentials(client: fixture.client, logger: TestDatabase.silentLogger)
            let access = OperatorAccess(bypassSecret: nil, apiKey: nil, credentials: credentials)
            let secret = try await credentials.create(
                name: "ci",
                kind: .bypass,
                scopes: [],
                lifetime: .seconds(60),
                by: "test"
            )
            #expect(secret.count == 64)
            #expect(access.bypass(token: secret, requestID: "r", logger: TestDatabase.silentLogger)?.name == "ci")
            #expect(access.identify(apiKey: secret) == nil)
            #expect(credentials.admit(secret, as: .bypass, now: Date().addingTimeInterval(61)) == nil)
            let dump = try await fixture.number(
                "SELECT count(*) FROM operator_credentials o WHERE o::text LIKE '%\(secret)%'"
            )
            #expect(dump == 0)
            #expect(try await credentials.revoke(name: "ci"))
            #expect(try await credentials.revoke(name: "ci") == false)
            #expect(credentials.admit(secret, as: .bypass) == nil)
            await #expect(throws: OperatorCredentials.Problem.nameTaken) {
                _ = try await credentials.create(name: "ci", kind: .admin, scopes: [], lifetime: .seconds(60), by: "t")
            }
            for name in ["", "-a", "A", "a b", String(repeating: "a", count: 65)] {
                await #expect(throws: OperatorCredentials.Problem.invalidName) {
                    _ = try await credentials.create(
                        name: name,
                        kind: .admin,
                        scopes: [],
                        lifetime: .seconds(60),
                        by: "t"
                    )
                }
            }
        }
    }

    @Test("before the revocations are read nothing is good; afterwards another process's revocation is noticed")
    func revocations() async throws {
        try await Fixture.with { fixture in
            let here = Revocations(client: fixture.client, logger: TestDatabase.silentLogger)
            let there = Revocations(client: fixture.client, logger: TestDatabase.silentLogger)
            let (token, hash) = (Preimage.random().bytes, Preimage.random().paymentHash)
            #expect(!here.isLoaded && here.contains(tokenID: token, paymentHash: hash))
            let service = Task { try await here.run() }
            while !here.isLoaded { await Task.yield() }
            #expect(!here.contains(tokenID: token, paymentHash: hash))
            #expect(try await there.revoke(.token, token, reason: "leaked", by: "test"))
            #expect(try await there.revoke(.token, token, reason: "leaked", by: "test") == false)
            while !here.contains(tokenID: token, paymentHash: hash) { await Task.yield() }
            #expect(try await there.restore(token))
            while here.contains(tokenID: token, paymentHash: hash) { await Task.yield() }
            #expect(try await there.revoke(.payment, hash.bytes, reason: "stolen", by: "test"))
            while !here.contains(tokenID: token, paymentHash: hash) { await Task.yield() }
            service.cancel()
            try await service.value
        }
    }

    @Test("a settled invoice is kept once, and following never goes back")
    func invoices() async throws {
        try await Fixture.with { fixture in
            let invoices = SettledInvoices(client: fixture.client)
            let hash = Preimage.random().paymentHash
            #expect(try await invoices.amountPaid(hash) == nil)
            try await invoices.record(hash, paid: .msat(5))
            try await invoices.record(hash, paid: .msat(6))
            #expect(try await invoices.amountPaid(hash) == .msat(5))
            #expect(try await invoices.cursor(node: "n") == nil)
            try await invoices.advance(node: "n", addIndex: 7, settleIndex: 3)
            try await invoices.advance(node: "n", addIndex: 5, settleIndex: 4)
            let cursor = try #require(try await invoices.cursor(node: "n"))
            #expect(cursor.addIndex == 7 && cursor.settleIndex == 4)
        }
    }
}
