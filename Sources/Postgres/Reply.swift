// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A one-shot answer that a task waits for and somebody else gives.
///
/// Completing twice is harmless: the first answer counts. A waiter whose task is cancelled is answered at once with the
/// failure named for that, after which the reply is `isAbandoned`.
package final class Reply<Value: Sendable, Failure: Error>: Sendable {
    package typealias Outcome = Result<Value, Failure>

    private enum State {
        case created
        case waiting(CheckedContinuation<Outcome, Never>)
        case answeredEarly(Outcome)
        case done
    }

    private let state = Mutex(State.created)
    private let cancelled: Failure

    /// Makes a reply.
    ///
    /// - Parameter cancelled: the answer for a waiter whose task is cancelled.
    package init(cancelled: Failure) { self.cancelled = cancelled }

    /// Whether nobody waits any more.
    package var isAbandoned: Bool {
        state.withLock { state in
            switch state {
            case .done, .answeredEarly: true
            case .created, .waiting: false
            }
        }
    }

    /// Answers the waiter; returns whether this was the first answer.
    @discardableResult
    package func complete(_ outcome: Outcome) -> Bool {
        let (continuation, isFirst): (CheckedContinuation<Outcome, Never>?, Bool) = state.withLock { state in
            switch state {
            case .created:
                state = .answeredEarly(outcome)
                return (nil, true)
            case .waiting(let continuation):
                state = .done
                return (continuation, true)
            case .answeredEarly, .done:
                return (nil, false)
            }
        }
        continuation?.resume(returning: outcome)
        return isFirst
    }

    /// Suspends until the answer comes; `start` hands the work over and is skipped when the task is cancelled already.
    ///
    /// `onCancel` runs after a cancellation has answered the waiter.
    package func wait(
        start: () -> Void,
        onCancel: @escaping @Sendable () -> Void
    ) async throws(Failure) -> Value {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
                if let early = attach(continuation) {
                    continuation.resume(returning: early)
                } else {
                    start()
                }
            }
        } onCancel: {
            if complete(.failure(cancelled)) { onCancel() }
        }
        return try outcome.get()
    }

    /// Stores the continuation, or returns the answer that came before it.
    private func attach(_ continuation: CheckedContinuation<Outcome, Never>) -> Outcome? {
        state.withLock { state in
            switch state {
            case .created:
                state = .waiting(continuation)
                return nil
            case .answeredEarly(let outcome):
                state = .done
                return outcome
            case .waiting, .done:
                preconditionFailure("a reply has one waiter")
            }
        }
    }
}

/// An answer of the connections' thread.
typealias PostgresReply<Value: Sendable> = Reply<Value, PostgresError>

extension Reply where Failure == PostgresError {
    convenience init() { self.init(cancelled: PostgresError(.cancelled, "the calling task was cancelled")) }
}
