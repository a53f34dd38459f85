// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch

/// Runs tasks on one thread of its own, so that seconds of computing never hold up the threads that answer requests.
///
/// Use with `withTaskExecutorPreference`. Jobs run in the order they come, one at a time.
public final class BackgroundExecutor: TaskExecutor {
    private let queue: DispatchQueue

    /// - Parameter label: names the thread for debuggers.
    public init(label: String) {
        queue = DispatchQueue(label: label, qos: .utility)
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.async { unowned.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
