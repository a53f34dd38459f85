// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Postgres

/// Settles or releases holds, many per statement.
final class HoldEnder: Sendable {
    /// How a hold has ended.
    enum End: Sendable, Hashable {
        case settled
        case released
    }

    private struct Item: Sendable {
        let grant: PaidGrant
        let reply: Reply<End, LedgerError>
    }

    private let queue: BatchQueue<Item>

    /// Makes an ender of one kind.
    ///
    /// - Parameter didEnd: gets the grants whose holds this process has ended.
    init(
        _ end: End,
        store: LedgerStore,
        configuration: LedgerConfiguration,
        didEnd: @escaping @Sendable (PaidGrant) -> Void
    ) {
        queue = BatchQueue(
            lanes: 1,
            batchLimit: configuration.batchLimit,
            queueLimit: configuration.queueLimit
        ) { batch in
            await Self.process(batch, end, store, didEnd)
        }
    }

    /// Ends a grant's hold, or tells how it has ended before.
    ///
    /// A cancelled caller does not wait for the answer; the hold ends nevertheless.
    func end(_ grant: PaidGrant) async throws(LedgerError) -> End {
        let reply = Reply<End, LedgerError>(cancelled: .cancelled)
        return try await reply.wait {
            if !queue.submit(Item(grant: grant, reply: reply)) { reply.complete(.failure(.overloaded)) }
        } onCancel: {
        }
    }

    /// Ends a grant's hold without waiting; what does not work is left to the sweeper.
    func endLater(_ grant: PaidGrant) {
        _ = queue.submit(Item(grant: grant, reply: Reply(cancelled: .cancelled)))
    }

    private static func process(
        _ batch: [Item],
        _ end: End,
        _ store: LedgerStore,
        _ didEnd: (PaidGrant) -> Void
    ) async {
        do throws(LedgerError) {
            let ended = try await store.end(batch.map(\.grant.holdID), end)
            let missing = batch.map(\.grant.holdID).filter { !ended.contains($0) }
            let earlier = missing.isEmpty ? [:] : try await store.ends(missing)
            for item in batch {
                if ended.contains(item.grant.holdID) {
                    didEnd(item.grant)
                    item.reply.complete(.success(end))
                } else if let how = earlier[item.grant.holdID] {
                    item.reply.complete(.success(how))
                } else {
                    // A grant whose hold was never committed: a debit that failed without our knowing.
                    item.reply.complete(.failure(.expired))
                }
            }
        } catch {
            for item in batch { item.reply.complete(.failure(error)) }
        }
    }
}
