// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Foundation
internal import Glibc
internal import Synchronization

/// Hashes passwords a few at a time, on threads of its own.
///
/// One hash takes 64 MiB and a fifth of a second of a core. On the threads that answer requests a handful would stop all
/// others, and without a bound a crowd would take all memory: here they take `workers` times that, and `waiting` more
/// callers wait in line.
public final class HashingQueue: Sendable {
    private typealias Outcome = Result<[UInt8], HashingError>

    private struct Job {
        let id: UInt64
        let password, salt: [UInt8]
        let caller: CheckedContinuation<Outcome, Never>
    }

    private struct State {
        var waiting: Deque<Job> = []
        var running = 0
        var lastID: UInt64 = 0
        /// Cancelled between taking a number and getting in line.
        var abandoned: Set<UInt64> = []
    }

    private let workers: Int
    private let places: Int
    private let compute: @Sendable (_ password: [UInt8], _ salt: [UInt8]) throws(HashingError) -> [UInt8]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - function: decides on memory and time.
    ///   - workers: how many hashes are computed at once.
    ///   - waiting: how many callers may wait besides.
    public convenience init(_ function: Argon2id = .pomade, workers: Int = 2, waiting: Int = 32) {
        self.init(workers: workers, waiting: waiting) { password, salt throws(HashingError) in
            try function.hash(password, salt: salt)
        }
    }

    /// A queue for another function.
    package init(
        workers: Int,
        waiting: Int,
        compute: @escaping @Sendable (_ password: [UInt8], _ salt: [UInt8]) throws(HashingError) -> [UInt8]
    ) {
        precondition(workers > 0 && waiting >= 0)
        self.workers = workers
        self.places = waiting
        self.compute = compute
    }

    /// How many callers wait for a worker, for metrics.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// How many hashes are being computed, for metrics.
    public var runningCount: Int { state.withLock { $0.running } }

    /// Hashes a password when its turn comes.
    ///
    /// A caller that is cancelled while it waits leaves the line at once; a hash that has begun is finished.
    /// - Throws: ``HashingError/busy`` at once when the line is full, ``HashingError/cancelled``, or
    ///   ``HashingError/refused(_:)``.
    public func hash(_ password: [UInt8], salt: [UInt8]) async throws(HashingError) -> [UInt8] {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                submit(Job(id: id, password: password, salt: salt, caller: caller))
            }
        } onCancel: {
            cancel(id)
        }
        // A cancellation that came after the end of the line has left its number behind.
        state.withLock { _ = $0.abandoned.remove(id) }
        return try outcome.get()
    }

    private enum Place {
        case worker, line, abandoned, none
    }

    private func submit(_ job: Job) {
        let place = state.withLock { state -> Place in
            if state.abandoned.remove(job.id) != nil { return .abandoned }
            if state.running < workers {
                state.running += 1
                return .worker
            }
            guard state.waiting.count < places else { return .none }
            state.waiting.append(job)
            return .line
        }
        switch place {
        case .worker: startThread { [self] in work(from: job) }
        case .line: break
        case .abandoned: job.caller.resume(returning: .failure(.cancelled))
        case .none: job.caller.resume(returning: .failure(.busy))
        }
    }

    private func cancel(_ id: UInt64) {
        let job = state.withLock { state -> Job? in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
                state.abandoned.insert(id)
                return nil
            }
            return state.waiting.remove(at: index)
        }
        job?.caller.resume(returning: .failure(.cancelled))
    }

    /// A thread that gets what the others leave: whoever logs in waits a little, whoever signs does not.
    private func startThread(_ work: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            // On Linux this is about the calling thread alone, and always allowed.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
            work()
        }
    }

    /// Works until nobody waits any more.
    private func work(from first: Job) {
        var next: Job? = first
        while let job = next {
            let outcome: Outcome
            do throws(HashingError) {
                outcome = .success(try compute(job.password, job.salt))
            } catch {
                outcome = .failure(error)
            }
            // The place is free before the caller hears of it.
            next = state.withLock { state in
                if let waiting = state.waiting.popFirst() { return waiting }
                state.running -= 1
                return nil
            }
            job.caller.resume(returning: outcome)
        }
    }
}
