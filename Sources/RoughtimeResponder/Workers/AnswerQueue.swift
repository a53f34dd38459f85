// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import DequeModule
internal import Glibc
public import Roughtime
internal import Synchronization

/// Requests from streams on their way to the workers, who answer them together with what came by UDP.
public final class AnswerQueue: Sendable {
    /// What waits beyond this is refused at once.
    public static let capacity = 4096

    public typealias Completion = @Sendable (Result<[UInt8], DropReason>) -> Void

    struct Entry: Sendable {
        let packet: [UInt8]
        let transport: Transport
        let completion: Completion
    }

    private struct State {
        var entries = Deque<Entry>()
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Looked at by workers without taking the lock.
    private let waiting = Atomic<Int>(0)
    /// Readable when there is something to do.
    let wakeup: Int32

    /// Makes a queue; nil when the kernel has no event descriptor left.
    public init?() {
        let descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        wakeup = descriptor
    }

    deinit { close(wakeup) }

    /// Hands over a request; the completion is called once, on a worker's thread.
    public func submit(_ packet: [UInt8], _ transport: Transport, _ completion: @escaping Completion) {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.entries.count < Self.capacity else { return false }
            state.entries.append(Entry(packet: packet, transport: transport, completion: completion))
            waiting.store(state.entries.count, ordering: .releasing)
            return true
        }
        guard isTaken else { return completion(.failure(.stale)) }
        wake()
    }

    /// Answers one request, from a task.
    public func answer(_ packet: [UInt8], _ transport: Transport) async -> Result<[UInt8], DropReason> {
        await withCheckedContinuation { continuation in
            submit(packet, transport) { continuation.resume(returning: $0) }
        }
    }

    /// Takes at most `count` requests.
    func take(_ count: Int, into entries: inout [Entry]) {
        guard count > 0, waiting.load(ordering: .acquiring) > 0 else { return }
        state.withLock { state in
            let part = min(count, state.entries.count)
            entries.append(contentsOf: state.entries.prefix(part))
            state.entries.removeFirst(part)
            waiting.store(state.entries.count, ordering: .releasing)
        }
    }

    /// Refuses what waits and what comes.
    func shutDown() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.entries.removeAll() }
            waiting.store(0, ordering: .releasing)
            return Array(state.entries)
        }
        for entry in left { entry.completion(.failure(.noDelegation)) }
    }

    func wake() {
        var one: UInt64 = 1
        _ = write(wakeup, &one, 8)
    }

    func clearWakeup() {
        var count: UInt64 = 0
        _ = read(wakeup, &count, 8)
    }
}
