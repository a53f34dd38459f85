// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A one-shot answer that a task waits for and the connections' thread gives.
///
/// Completing twice is harmless: the first answer counts. A waiter whose task is cancelled is answered at once with
/// `.cancelled`, after which the reply is `isAbandoned`.
final class Reply<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, PostgresError>

    private enum State {
        case created
        case waiting(CheckedContinuation<Outcome, Never>)
        case answeredEarly(Outcome)
        case done
    }

    private let state = Mutex(State.created)

    /// Whether nobody waits any more.
    var isAbandoned: Bool {
        state.withLock { state in
            switch state {
            case .done, .answeredEarly: true
            case .created, .waiting: false
            }
        }
    }

    /// Answers the waiter; returns whether this was the first answer.
    @discardableResult
    func complete(_ outcome: Outcome) -> Bool {
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
    func wait(start: () -> Void, onCancel: @escaping @Sendable () -> Void) async throws(PostgresError) -> Value {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
                if let early = attach(continuation) {
                    continuation.resume(returning: early)
                } else {
                    start()
                }
            }
        } onCancel: {
            if complete(.failure(PostgresError(.cancelled, "the calling task was cancelled"))) { onCancel() }
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
