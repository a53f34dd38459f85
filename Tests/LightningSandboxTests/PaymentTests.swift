// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import Testing

@testable import LightningSandbox

@Suite("Payments between the sandbox's nodes")
struct PaymentTests {
    @Test("an invoice of one node is paid by the other, and the preimage proves it")
    func success() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let invoice = try await merchant.addInvoice(["value": "1000", "memo": "tea"])
            #expect(invoice.request.hasPrefix("lnbcrt10u1"))
            let payment = try await payer.pay(invoice.request)
            #expect(payment["status"] as? String == "SUCCEEDED")
            let preimage = try #require(Preimage(hex: payment["payment_preimage"] as? String ?? ""))
            #expect(preimage.paymentHash.bytes == invoice.hash)
            #expect(try await merchant.balance() == 10_001_000_000)
            #expect(try await payer.balance() == 9_999_000_000)
            let look = try await merchant.admin("GET", "/v1/invoice/\(Hex.encode(invoice.hash))").object
            #expect(look["state"] as? String == "SETTLED")
        }
    }

    @Test("a stream tells a payment in three steps, or only its end when that is asked for")
    func steps() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let invoice = try await merchant.addInvoice(["value": "1"])
            let body = ["payment_request": invoice.request]
            let lines = try await payer.admin("POST", "/v2/router/send", body: body).lines
            let updates = lines.compactMap { $0["result"] as? [String: Any] }
            #expect(updates.map { $0["status"] as? String } == ["IN_FLIGHT", "IN_FLIGHT", "SUCCEEDED"])
            #expect(updates.map { ($0["htlcs"] as? [Any])?.count } == [0, 1, 1])
            let hash = Base64.encode(invoice.hash, alphabet: .urlSafe)
            let track = try await payer.admin("GET", "/v2/router/track/\(hash)").lines
            #expect(track.count == 1)
        }
    }

    @Test("a payment to a node nobody knows fails for want of a route, and costs nothing")
    func unknownDestination() async throws {
        let stranger = try await signedElsewhere()
        try await withSandbox { nodes in
            let payer = try #require(nodes["payer"])
            let payment = try await payer.pay(stranger)
            #expect(payment["status"] as? String == "FAILED")
            #expect(payment["failure_reason"] as? String == "FAILURE_REASON_NO_ROUTE")
            #expect(try await payer.balance() == 10_000_000_000)
        }
    }

    @Test("a canceled invoice, or one paid by somebody else, is refused by its node")
    func refusedByPayee() async throws {
        try await withSandbox(["merchant", "payer", "other"]) { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let other = try #require(nodes["other"])
            let paid = try await merchant.addInvoice(["value": "5"])
            #expect(try await other.pay(paid.request)["status"] as? String == "SUCCEEDED")
            let canceled = try await merchant.addInvoice(["value": "5"])
            let cancel = ["payment_hash": Base64.encode(canceled.hash)]
            #expect(try await merchant.admin("POST", "/v2/invoices/cancel", body: cancel).status == 200)
            for invoice in [paid, canceled] {
                let payment = try await payer.pay(invoice.request)
                #expect(payment["failure_reason"] as? String == "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS")
            }
            #expect(try await payer.balance() == 10_000_000_000)
            let body = ["payment_request": canceled.request]
            let lines = try await payer.admin("POST", "/v2/router/send", body: body).lines
            let updates = lines.compactMap { $0["result"] as? [String: Any] }
            #expect(updates.map { $0["status"] as? String } == ["IN_FLIGHT", "IN_FLIGHT", "IN_FLIGHT", "FAILED"])
            // LND gives the reason one update before the final status.
            let reasons = updates.map { $0["failure_reason"] as? String == "FAILURE_REASON_NONE" }
            #expect(reasons == [true, true, false, false])
        }
    }

    @Test("a payment that failed can be tried again")
    func retry() async throws {
        try await withSandbox { nodes in
            let merchant = try #require(nodes["merchant"])
            let payer = try #require(nodes["payer"])
            let invoice = try await merchant.addInvoice([:])
            let failed = try await payer.pay(invoice.request, amount: 10_000_001)
            #expect(failed["failure_reason"] as? String == "FAILURE_REASON_INSUFFICIENT_BALANCE")
            #expect(try await payer.pay(invoice.request, amount: 10_000_000)["status"] as? String == "SUCCEEDED")
            #expect(try await payer.balance() == 0)
        }
    }

    private func signedElsewhere() async throws -> String {
        let box = Box()
        try await withSandbox(["stranger"]) { nodes in
            let invoice = try await #require(nodes["stranger"]).addInvoice(["value": "1"])
            await box.put(invoice.request)
        }
        return await box.text
    }

    private actor Box {
        var text = ""
        func put(_ text: String) { self.text = text }
    }
}
