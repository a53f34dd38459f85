// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Postgres

/// Debits existing credits, many per statement: group commit in the client.
///
/// One lane: a batch fills while the one before is on the way. A second lane would halve the batches and wait for the same
/// flush of the log. Latency is at most two commits; see Benchmarks for the ratio to one statement per debit.
final class DebitBatcher: Sendable {
    private let queue: BatchQueue<Debit>

    /// Makes a batcher.
    ///
    /// - Parameter abandon: gets the grants that nobody waited for any more.
    init(
        store: LedgerStore,
        configuration: LedgerConfiguration,
        instruments: LedgerInstruments,
        abandon: @escaping @Sendable (PaidGrant) -> Void
    ) {
        queue = BatchQueue(
            lanes: 1,
            batchLimit: configuration.batchLimit,
            queueLimit: configuration.queueLimit
        ) { batch in
            await Self.process(batch, store, instruments, abandon)
        }
    }

    /// Debits a credit.
    ///
    /// A caller that is cancelled before its debit is sent is never charged; after that its hold is given back at once.
    func debit(
        _ paymentHash: PaymentHash,
        by amount: MilliSatoshi,
        route: String
    ) async throws(LedgerError) -> PaidGrant {
        let reply = Reply<PaidGrant, LedgerError>(cancelled: .cancelled)
        let debit = Debit(
            holdID: .make(),
            paymentHash: paymentHash,
            amount: amount,
            route: route,
            reply: reply
        )
        return try await reply.wait {
            if !queue.submit(debit) { reply.complete(.failure(.overloaded)) }
        } onCancel: { [queue] in
            queue.remove { $0.reply === reply }
        }
    }

    /// More rounds than this mean that others keep spending what is left.
    private static let roundLimit = 16

    private static func process(
        _ batch: [Debit],
        _ store: LedgerStore,
        _ instruments: LedgerInstruments,
        _ abandon: @escaping @Sendable (PaidGrant) -> Void
    ) async {
        let live = batch.filter { !$0.reply.isAbandoned }
        instruments.didSend(batchOf: live.count)
        var plan = DebitPlan(live)
        let answer = { (answers: [DebitPlan.Answer]) in
            for (debit, outcome) in answers where !debit.reply.complete(outcome) {
                if case .success(let grant) = outcome { abandon(grant) }
            }
        }
        do throws(LedgerError) {
            for _ in 0..<roundLimit where !plan.isFinished {
                var open = Set(plan.sums.map(\.paymentHash))
                for row in try await store.debit(plan) {
                    open.remove(row.paymentHash)
                    let answers = plan.debited(row.paymentHash, paid: row.paid, spent: row.spent)
                    instruments.didHold(answers.count(where: Self.isGranted))
                    answer(answers)
                }
                guard !open.isEmpty else { continue }
                let findings = try await store.lookUp(Array(open))
                for hash in open { answer(plan.refused(hash, findings[hash] ?? .missing)) }
            }
            answer(plan.unanswered.map { ($0, .failure(.storeUnavailable(retryable: true))) })
        } catch {
            answer(plan.unanswered.map { ($0, .failure(error)) })
        }
    }

    private static func isGranted(_ answer: DebitPlan.Answer) -> Bool {
        if case .success = answer.outcome { true } else { false }
    }
}
