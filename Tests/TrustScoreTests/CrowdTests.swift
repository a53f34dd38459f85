// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing
import TrustScore

@Suite("Crowd evidence")
struct CrowdTests {
    private struct Vector: Decodable {
        struct Case: Decodable {
            struct Output: Decodable {
                let pow_bits: Int
                let preimage_ok: Bool
                let weight: Double
            }
            let name: String
            let event_id: String
            let identity_first_seen: Int64?
            let now: Int64
            let preimage: String?
            let payment_hash: String?
            let output: Output
        }
        let cases: [Case]
    }

    private let now: Int64 = 1_790_000_000
    private let hash = [UInt8](repeating: 9, count: 32)
    private let payee = [UInt8](repeating: 2, count: 33)

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    }

    private func report(
        _ outcome: CrowdReport.Outcome = .delivered,
        identity: UInt8 = 1,
        created: Int64? = nil,
        pow: Int = 0,
        payment: CrowdReport.Payment? = nil
    ) -> CrowdReport {
        CrowdReport(
            identity: [identity],
            endpoint: [1],
            outcome: outcome,
            createdAt: created ?? now,
            receivedAt: now,
            powBits: pow,
            payment: payment
        )
    }

    private func judge(
        _ report: CrowdReport,
        _ reporter: CrowdRules.Reporter = .init(),
        service: CrowdRules.Service? = .init(),
        isSpent: Bool = false
    ) -> Result<CrowdRules.Accepted, CrowdRules.Refusal> {
        Result { () throws(CrowdRules.Refusal) in
            try CrowdRules.judge(report, from: reporter, about: service, isSpent: { _ in isSpent })
        }
    }

    @Test("compatible weights equal SatRank's")
    func compatible() throws {
        for item in try vector("sybil_weight_compat", as: Vector.self).cases {
            let bits = CrowdReport.leadingZeroBits(of: bytes(item.event_id))
            let isValid =
                item.preimage.map { Array(SHA256.hash(data: bytes($0))) == item.payment_hash.map(bytes) } ?? false
            #expect(bits == item.output.pow_bits && isValid == item.output.preimage_ok, "\(item.name)")
            let weight = CompatibleCrowdWeight.weight(
                powBits: bits,
                firstSeen: item.identity_first_seen,
                now: item.now,
                isPreimageValid: isValid
            )
            #expect(agree(weight, item.output.weight), "\(item.name)")
        }
    }

    @Test("a preimage that the reporter chose proves nothing")
    func selfChosenPreimage() {
        let payment = CrowdReport.Payment(hash: hash, isPreimageValid: true)
        #expect(judge(report(payment: payment)) == .failure(.unprovenSuccess))
        let service = CrowdRules.Service(seenInvoices: [hash])
        #expect(judge(report(payment: payment), service: service).map(\.isProven) == .success(true))
        let unpaid = CrowdReport.Payment(hash: hash, isPreimageValid: false)
        #expect(judge(report(payment: unpaid), service: service) == .failure(.unprovenSuccess))
        #expect(judge(report(payment: payment), service: service, isSpent: true) == .failure(.paymentReused))
    }

    @Test("an invoice proves a payment only when it is the service's, for its price, and fresh")
    func invoices() {
        let service = CrowdRules.Service(payees: [payee], priceMsat: 10_001)
        func accepted(_ signed: Bool, _ payee: [UInt8], _ amount: Int64?, _ time: Int64) -> Bool {
            let invoice = CrowdReport.Invoice(
                isSignatureValid: signed,
                payee: payee,
                amountMsat: amount,
                timestamp: time
            )
            let payment = CrowdReport.Payment(hash: hash, isPreimageValid: true, invoice: invoice)
            return (try? judge(report(payment: payment), service: service).get()) != nil
        }
        #expect(accepted(true, payee, 5001, now - 86_400))
        #expect(!accepted(false, payee, 5001, now))
        #expect(!accepted(true, [3], 5001, now))
        #expect(!accepted(true, payee, 5000, now))
        #expect(!accepted(true, payee, nil, now))
        #expect(!accepted(true, payee, 5001, now - 86_401))
        #expect(!accepted(true, payee, 5001, .min) && !accepted(true, payee, 5001, .max))
    }

    @Test("times are believed within ten minutes, kept for a week, and never taken from the future")
    func times() {
        func result(_ offset: Int64) -> CrowdRules.Refusal? {
            if case .failure(let refusal) = judge(report(.timeout, created: now + offset)) { refusal } else { nil }
        }
        #expect(result(600) == nil && result(-600) == nil)
        #expect(result(601) == .implausibleTime && result(-601) == .late)
        #expect(result(-7 * 86_400) == .late && result(-7 * 86_400 - 1) == .implausibleTime)
        #expect(judge(report(.timeout, created: .min)) == .failure(.implausibleTime))
        #expect(judge(report(.timeout, created: .max)) == .failure(.implausibleTime))
        #expect(judge(report(.timeout, created: now + 300)).map(\.time) == .success(now))
        #expect(judge(report(.timeout), service: nil) == .failure(.unknownEndpoint))
    }

    @Test("age counts only for who was seen on three days, and unproven failures weigh at most 0.1")
    func weights() throws {
        let payment = CrowdReport.Payment(hash: hash, isPreimageValid: true)
        let service = CrowdRules.Service(seenInvoices: [hash])
        let old = now - 365 * 86_400
        func weight(_ days: Int, pow: Int = 0) throws -> Double {
            let reporter = CrowdRules.Reporter(acceptedDays: days, firstAccepted: old)
            return try judge(report(pow: pow, payment: payment), reporter, service: service).get().weight
        }
        #expect(try weight(2) == 0.6 && weight(3) == 1.2)
        #expect(try agree(weight(0, pow: 16), 0.9))
        let reporter = CrowdRules.Reporter(acceptedDays: 9, firstAccepted: old)
        #expect(try judge(report(.timeout, pow: 64), reporter).get().weight == 0.1)
    }

    @Test("one reporter, the unproven and all reports together stay within their bounds")
    func caps() throws {
        var ledger = CrowdLedger()
        func proven(_ identity: UInt8) throws -> CrowdRules.Accepted {
            let payment = CrowdReport.Payment(hash: hash, isPreimageValid: true)
            let service = CrowdRules.Service(seenInvoices: [hash])
            return try judge(report(identity: identity, pow: 64, payment: payment), service: service).get()
        }
        #expect(try ledger.admit(proven(1), ownEvidence: 0) == 1)
        #expect(throws: CrowdRules.Refusal.capReached) { try ledger.admit(proven(1), ownEvidence: 0) }
        #expect(try ledger.admit(proven(2), ownEvidence: 0) == 1)
        #expect(try ledger.admit(proven(3), ownEvidence: 0) == 1)
        #expect(throws: CrowdRules.Refusal.capReached) { try ledger.admit(proven(4), ownEvidence: 0) }
        #expect(throws: CrowdRules.Refusal.capReached) {
            try ledger.admit(judge(report(.timeout, identity: 5)).get(), ownEvidence: 0)
        }
        var unproven = 0.0
        for identity in 0..<200 {
            let failure = try judge(report(.timeout, identity: UInt8(identity))).get()
            unproven += (try? ledger.admit(failure, ownEvidence: 8)) ?? 0
        }
        #expect(agree(unproven, 2))
    }

    @Test(
        "no sequence of reports, in any order and with any times, moves a belief below its prior or beyond the caps",
        arguments: 0..<40 as Range<UInt64>
    )
    func anySequence(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var ledger = CrowdLedger()
        var consolidation = CrowdConsolidation()
        var belief = CorrelatedPosterior(timeConstant: EvidenceSource.report.timeConstant)
        var spent: Set<[UInt8]> = []
        var (granted, folded, good) = (0.0, 0, 0)
        let own = Double.random(in: 0...20, using: &random)
        let service = CrowdRules.Service(seenInvoices: Set((0..<30).map { [$0] }), payees: [payee], priceMsat: 1000)
        for row in 0..<200 {
            let wild = [Int64.min, .max, 0, -1, now - 365 * 86_400, now + 365 * 86_400]
            let isWild = Bool.random(using: &random)
            let received = now + Int64.random(in: -20_000...20_000, using: &random)
            let created =
                isWild
                ? wild.randomElement(using: &random) ?? 0 : received - Int64.random(in: -700...700, using: &random)
            let report = CrowdReport(
                identity: [UInt8.random(in: 0...5, using: &random)],
                endpoint: [1],
                outcome: CrowdReport.Outcome.allCases.randomElement(using: &random) ?? .timeout,
                createdAt: created,
                receivedAt: received,
                powBits: Int.random(in: -3...300, using: &random),
                payment: Bool.random(using: &random)
                    ? .init(hash: [UInt8.random(in: 0...60, using: &random)], isPreimageValid: true) : nil
            )
            let isBroken = row % 10 == 3
            let outcome = consolidation.take(Int64(row)) {
                if isBroken { throw CancellationError() }
                let reporter = CrowdRules.Reporter(acceptedDays: 5, firstAccepted: isWild ? .min : .max)
                let accepted = try CrowdRules.judge(report, from: reporter, about: service) { spent.contains($0) }
                let weight = try ledger.admit(accepted, ownEvidence: own)
                if accepted.isProven, let hash = report.payment?.hash { spent.insert(hash) }
                belief.observe(success: report.outcome.isSuccess, weight: weight, at: accepted.time)
                return weight
            }
            switch outcome {
            case .folded(let weight):
                #expect(weight > 0 && weight <= 1)
                granted += weight
                folded += 1
            case .refused: break
            case .retry:
                #expect(isBroken)
                #expect(
                    consolidation.take(Int64(row)) { throw CancellationError() }
                        == .parked(reason: "CancellationError()")
                )
            case .parked: Issue.record("parked before it was tried twice")
            }
            if !isBroken { good += 1 }
            for time in [Int64.min, created, received, now + 86_400, .max] {
                let read = belief.distribution(at: time)
                #expect(read.alpha >= 1.5 && read.beta >= 1.5)
                #expect(read.evidence <= granted + 1e-9 && read.alpha.isFinite && read.beta.isFinite)
            }
        }
        #expect(good == 180 && granted <= own + 3.2)
        if own > 5 { #expect(folded > 0) }
    }
}
