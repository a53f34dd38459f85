// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import Foundation
import LightningPrimitives
import Testing

@testable import LightningSandbox

@Suite("The ledger of the sandbox")
struct LedgerTests {
    /// SplitMix64, so that a failing run can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    /// Does something random; most of it makes sense.
    private func step(_ state: inout LedgerState, _ generator: inout Generator, now: inout Int64) {
        let account = Int.random(in: 0..<3, using: &generator)
        let other = Int.random(in: 0..<3, using: &generator)
        let invoice = state.accounts[other].invoices.randomElement(using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0, 1, 2:
            let order = InvoiceOrder(
                msat: .random(in: 0...2_000_000, using: &generator),
                expirySeconds: .random(in: 1...100, using: &generator)
            )
            _ = try? state.addInvoice(order, account: account, now: now)
        case 3, 4, 5:
            guard let invoice, let request = try? Bolt11Invoice(parsing: invoice.paymentRequest) else { return }
            let msat = invoice.msat == 0 ? Int64.random(in: 1...3_000_000, using: &generator) : 0
            let order = PaymentOrder(invoice: request, msat: msat)
            _ = try? state.pay(order, payer: account, nowNs: now * 1_000_000_000)
        case 6:
            guard let invoice else { return }
            try? state.cancelInvoice(invoice.hash, account: other)
        default:
            now += .random(in: 0...20, using: &generator)
            state.cancelExpired(now: now)
        }
    }

    @Test("money is conserved, and replaying the events gives the same books", arguments: 1...8 as ClosedRange<UInt64>)
    func conservation(seed: UInt64) throws {
        var generator = Generator(state: seed)
        var now: Int64 = 1_795_229_137
        var state = LedgerState(network: .regtest)
        for name in ["a", "b", "c"] { _ = state.openAccount(name, balance: .sat(20_000)) }
        var events = state.takeUncommitted()
        var replayed = LedgerState(network: .regtest)
        for _ in 0..<400 {
            step(&state, &generator, now: &now)
            events += state.takeUncommitted()
            #expect(state.accounts.reduce(0) { $0 + $1.msat } == 60_000_000)
            #expect(state.accounts.allSatisfy { $0.msat >= 0 })
        }
        let encoder = JSONEncoder()
        let decoder = JSONDecoder()
        for event in events {
            let copy = try decoder.decode(LedgerEvent.self, from: try encoder.encode(event))
            #expect(replayed.canApply(copy))
            replayed.apply(copy)
        }
        #expect(replayed.accounts.map(\.msat) == state.accounts.map(\.msat))
        #expect(replayed.accounts.map(\.invoices) == state.accounts.map(\.invoices))
        #expect(replayed.accounts.map(\.payments) == state.accounts.map(\.payments))
        #expect(replayed.accounts.map(\.settled) == state.accounts.map(\.settled))
        #expect(state.accounts.contains { !$0.settled.isEmpty })
        check(state)
    }

    /// Every settlement has its payment, and the balances follow from them.
    private func check(_ state: LedgerState) {
        for account in state.accounts {
            let received = account.settled.compactMap { account.invoices[$0].settlement?.paidMsat }.reduce(0, +)
            let sent = account.payments.filter { $0.failure == nil }.reduce(0) { $0 + $1.msat }
            #expect(account.msat == 20_000_000 + received - sent)
            #expect(account.invoices.filter { $0.state == .open }.count == account.open.count)
            #expect(account.settled.indices.allSatisfy { account.invoices[account.settled[$0]].settleIndex == $0 + 1 })
        }
    }

    @Test("an invoice is canceled at the second it expires, and not before")
    func expiry() throws {
        var state = LedgerState(network: .regtest)
        let account = state.openAccount("a", balance: .zero)
        let invoice = try state.addInvoice(InvoiceOrder(msat: 1, expirySeconds: 60), account: account, now: 1000)
        state.cancelExpired(now: 1059)
        #expect(state.accounts[account].invoice(invoice.hash)?.state == .open)
        state.cancelExpired(now: 1060)
        #expect(state.accounts[account].invoice(invoice.hash)?.state == .canceled)
    }

    @Test("times are read and printed by the calendar")
    func calendar() {
        #expect(UTCTime(rfc3339: "2026-11-21T02:45:40Z")?.goText == "2026-11-21 02:45:40 +0000 UTC")
        #expect(UTCTime(rfc3339: "2026-11-21T03:45:40.25+01:00")?.unixSeconds == 1_795_229_140)
        #expect(UTCTime(rfc3339: "2000-02-29T00:00:00Z")?.unixSeconds == 951_782_400)
        #expect(UTCTime(unixSeconds: -1).goText == "1969-12-31 23:59:59 +0000 UTC")
        for text in ["", "2026-11-21", "2026-13-21T02:45:40Z", "2026-11-21T02:45:40", "2026-11-21T02:45:40+01"] {
            #expect(UTCTime(rfc3339: text) == nil, "\(text)")
        }
    }
}
