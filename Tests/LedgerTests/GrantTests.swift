// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import PostgresTestSupport
import Testing

@testable import Ledger

@Suite("Grants without payment")
struct GrantTests {
    private let secret = String(repeating: "s", count: 32)

    @Test("only a price of zero is free")
    func free() {
        #expect(FreeGrant(price: .zero) != nil)
        #expect(FreeGrant(price: .msat(1)) == nil)
        #expect(FreeGrant(price: .msat(-1)) == nil)
    }

    @Test("the operator's secret admits, anything else does not")
    func bypass() {
        let bypass = OperatorAccess(bypassSecret: secret)
        #expect(bypass.isBypassEnabled)
        let logger = TestDatabase.silentLogger
        #expect(bypass.bypass(token: secret, requestID: "r1", logger: logger)?.requestID == "r1")
        for wrong in ["", String(secret.dropLast()), secret + "s", secret.uppercased()] {
            #expect(bypass.bypass(token: wrong, requestID: "r2", logger: logger) == nil)
        }
    }

    @Test(
        "without a secret, or with a short one, nobody is admitted",
        arguments: [nil as String?, "", "short", String(repeating: "s", count: 31)]
    )
    func disabled(secret: String?) {
        let bypass = OperatorAccess(bypassSecret: secret)
        #expect(!bypass.isBypassEnabled)
        #expect(bypass.bypass(token: secret ?? "", requestID: "r", logger: TestDatabase.silentLogger) == nil)
    }
}
