// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Makes one call of each burst of announcements, and none too few: whatever is announced is followed by a call that
/// begins later.
final class Announcements: Sendable {
    private let isPending = Atomic<Bool>(false)
    private let bells: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init() {
        (bells, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Announces something that has happened before.
    func note() {
        isPending.store(true, ordering: .sequentiallyConsistent)
        bell.yield()
    }

    /// No more announcements: those before are still served.
    func finish() { bell.finish() }

    /// Calls `serve` for each burst, one call after the other, until the task is cancelled.
    ///
    /// - Parameter gathering: a pause in which the rest of a burst arrives.
    func forEachBurst(
        gathering: @Sendable () async -> Void,
        _ serve: @Sendable () async -> Void
    ) async {
        for await _ in bells where !Task.isCancelled {
            // Rung by one that came during the pause and was served with the burst.
            guard isPending.load(ordering: .sequentiallyConsistent) else { continue }
            await gathering()
            // Before the call, not after it: what is announced from now on may not be seen by it.
            isPending.store(false, ordering: .sequentiallyConsistent)
            await serve()
        }
    }
}
