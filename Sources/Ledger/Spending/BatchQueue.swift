// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Synchronization

/// Collects items while earlier batches are on the way and hands each free lane all that waits, up to a limit.
///
/// There is no timer: an item that finds a free lane goes at once, alone. A lane is a task that lives while there is work;
/// it is nobody's child on purpose, because it works for many callers.
final class BatchQueue<Item: Sendable>: Sendable {
    private struct State {
        var waiting: Deque<Item> = []
        var busyLanes = 0
    }

    private let state = Mutex(State())
    private let lanes: Int
    private let batchLimit: Int
    private let queueLimit: Int
    private let process: @Sendable ([Item]) async -> Void

    init(lanes: Int, batchLimit: Int, queueLimit: Int, process: @escaping @Sendable ([Item]) async -> Void) {
        self.lanes = lanes
        self.batchLimit = batchLimit
        self.queueLimit = queueLimit
        self.process = process
    }

    /// Queues an item; false when the queue is full.
    func submit(_ item: Item) -> Bool {
        let (isTaken, startsLane): (Bool, Bool) = state.withLock { state in
            guard state.waiting.count < queueLimit else { return (false, false) }
            state.waiting.append(item)
            guard state.busyLanes < lanes else { return (true, false) }
            state.busyLanes += 1
            return (true, true)
        }
        if startsLane { Task { await drain() } }
        return isTaken
    }

    /// Takes items out that nobody waits for any more.
    func remove(where isGone: (Item) -> Bool) {
        state.withLock { state in state.waiting.removeAll(where: isGone) }
    }

    private func drain() async {
        while let batch = next() { await process(batch) }
    }

    /// The next batch, or `nil` when the lane is to end.
    private func next() -> [Item]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.busyLanes -= 1
                return nil
            }
            let count = min(batchLimit, state.waiting.count)
            let batch = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            return batch
        }
    }
}
