// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LightningPrimitives
import PostgresTestSupport
import Subprocess
import Testing

@testable import Ledger

@Suite("Repeated requests")
struct IdempotencyTests {
    private func request(_ hash: PaymentHash, _ key: String = "k", body: UInt8 = 1) throws -> IdempotentRequest {
        try #require(
            IdempotentRequest(paymentHash: hash, key: key, fingerprint: [UInt8](repeating: body, count: 32))
        )
    }

    private func work(_ reservation: Reservation) throws -> IdempotentWork {
        guard case .reserved(let work) = reservation else {
            Issue.record("not reserved: \(reservation)")
            throw CancellationError()
        }
        return work
    }

    @Test("a repetition gets the answer of the first request and is not charged; another request is told apart")
    func replay() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let hash = payment.paymentHash
            let first = try work(try await fixture.ledger.reserve(try request(hash)))
            guard case .underWay = try await fixture.ledger.reserve(try request(hash)) else {
                Issue.record("two requests work at once")
                return
            }
            let grant = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "r")
            let answer = StoredAnswer(status: 200, headers: ["content-type": "text/plain"], body: [1, 2, 3])
            try await fixture.ledger.settle(grant, for: first, answer: answer)
            try await fixture.ledger.settle(grant, for: first, answer: answer)
            guard case .answered(let stored) = try await fixture.ledger.reserve(try request(hash)) else {
                Issue.record("no answer was kept")
                return
            }
            #expect(stored == answer)
            guard case .conflict = try await fixture.ledger.reserve(try request(hash, body: 2)) else {
                Issue.record("another request got the answer")
                return
            }
            // Another payer's key is another key.
            _ = try work(try await fixture.ledger.reserve(try request(Preimage.random().paymentHash)))
            #expect(try await fixture.ledger.balance(paymentHash: hash).spent == .msat(400))
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("work that came to nothing frees its key, and so does work that nobody ended in time")
    func abandoned() async throws {
        try await Fixture.with(holdLifetime: .zero) { fixture in
            let payment = Fixture.payment(1000)
            let hash = payment.paymentHash
            let first = try work(try await fixture.ledger.reserve(try request(hash)))
            await fixture.ledger.abandon(first)
            let second = try work(try await fixture.ledger.reserve(try request(hash, body: 2)))
            let grant = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "r")
            // Its reservation is over already, so that a third takes the key over.
            let third = try work(try await fixture.ledger.reserve(try request(hash)))
            let answer = StoredAnswer(status: 200, headers: [:], body: [])
            await #expect(throws: LedgerError.expired) {
                try await fixture.ledger.settle(grant, for: second, answer: answer)
            }
            let own = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(400), route: "r")
            try await fixture.ledger.settle(own, for: third, answer: answer)
            _ = try await fixture.ledger.sweep()
            #expect(try await fixture.ledger.balance(paymentHash: hash).spent == .msat(400))
        }
    }

    @Test("an answer that is too long is not kept, but charged once")
    func tooLong() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let first = try work(try await fixture.ledger.reserve(try request(payment.paymentHash)))
            let grant = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "r")
            let body = [UInt8](repeating: 0, count: Ledger.answerLimit + 1)
            try await fixture.ledger.settle(
                grant,
                for: first,
                answer: StoredAnswer(status: 200, headers: [:], body: body)
            )
            #expect(try await fixture.ledger.balance(paymentHash: payment.paymentHash).spent == .msat(400))
            _ = try work(try await fixture.ledger.reserve(try request(payment.paymentHash)))
        }
    }

    @Test("a key is 1 to 64 visible ASCII characters")
    func keys() {
        for key in ["a", String(repeating: "~", count: 64)] { #expect(IdempotentRequest.isKey(key)) }
        for key in ["", " ", "a b", "ü", "\n", String(repeating: "a", count: 65)] {
            #expect(!IdempotentRequest.isKey(key))
        }
    }

    @Test("whatever is killed and repeated, no key is charged twice and nothing is lost to the msat", arguments: 1...2)
    func killedAndRepeated(round: Int) async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1_000_000)
            let hash = payment.paymentHash
            try await fixture.ledger.open(payment)
            let probe = try #require(CommandLine.arguments.first).split(separator: "/").dropLast().joined(
                separator: "/"
            )
            for kill in [40, 90, 60] {
                _ = try await Subprocess.run(
                    .name("LedgerCrashProbe"),
                    arguments: [fixture.url, hash.hex, "10", "keys"],
                    environment: .inherit.updating(["PATH": "/\(probe)"]),
                    input: .none,
                    output: .sequence,
                    error: .discarded
                ) { execution in
                    var lines = 0
                    for try await line in execution.standardOutput.strings() where line.contains("step") {
                        lines += 1
                        if lines == kill + round { try execution.send(signal: .kill) }
                    }
                    #expect(lines >= kill)
                }
                while try await fixture.number(
                    """
                    SELECT count(*) FROM pg_stat_activity
                     WHERE application_name = 'probe' AND datname = current_database()
                    """
                ) > 0 {}
                #expect(try await fixture.ledger.audit().isConsistent)
            }
            while try await fixture.ledger.sweep() > 0 {}
            let report = try await fixture.ledger.audit()
            #expect(report.isConsistent && report.held == .zero)
            let answered = try await fixture.number("SELECT count(*) FROM idempotent_answers WHERE status IS NOT NULL")
            #expect(answered > 0)
            // Each key that has an answer was charged once, and the others not at all.
            #expect(report.earned == .msat(10 * answered))
            // All keys again: those with an answer cost nothing more.
            for number in 0..<50 {
                guard
                    case .answered = try await fixture.ledger.reserve(
                        try request(hash, "key-\(number)", body: UInt8(number))
                    )
                else { continue }
                #expect(
                    try await fixture.number(
                        "SELECT count(*) FROM idempotent_answers WHERE key = 'key-\(number)' AND status = 200"
                    ) == 1
                )
            }
        }
    }
}
