// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LightningSandbox

@Suite("A sandbox of two nodes")
struct SandboxTests {
    @Test("an invoice of one node is paid by the other, and the money moves")
    func payment() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let invoice = try await merchant.addInvoice(["value": "1000", "memo": "tea"])
            #expect(invoice.request.hasPrefix("lnbcrt10u1"))
            let payment = try await payer.pay(invoice.request)
            #expect(payment["status"] as? String == "SUCCEEDED")
            #expect(try await merchant.balance() == 10_001_000_000)
            #expect(try await payer.balance() == 9_999_000_000)
        }
    }
}
