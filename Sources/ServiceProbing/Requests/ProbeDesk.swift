// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// Where the API hands in probes and waits for results.
public final class ProbeDesk: Service {
    private let store: ProbeRequestStore
    private let limits: ProbeLimits
    private let waiters = Mutex<[ProbeID: [Int: AsyncStream<Void>.Continuation]]>([:])
    private let lastWaiter = Atomic<Int>(0)

    public init(_ client: PostgresClient, limits: ProbeLimits = ProbeLimits()) {
        store = ProbeRequestStore(client)
        self.limits = limits
    }

    /// Tells waiters of results, until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await note in store.client.listen(ProbeRequestStore.results) {
                switch note {
                case .notification(let payload): ProbeID(payload).map(wake)
                case .reconnected: wakeAll()
                }
            }
        }
    }

    /// Hands an order in and waits for its end.
    ///
    /// - Parameters:
    ///   - claimDeadline: by when a worker must have taken it; otherwise it is taken back.
    ///   - deadline: how long to wait for the result.
    /// - Returns: how it stands then: done, dropped when nobody took it, or running; `nil` when the limits of the hour
    ///   allow no more.
    public func submit(
        _ order: ProbeOrder,
        claimDeadline: Duration = .seconds(5),
        deadline: Duration = .seconds(25)
    ) async throws(PostgresError) -> ProbeStatus? {
        let begin = ContinuousClock.now
        guard try await store.submit(order, limits: limits) else { return nil }
        while true {
            // Listened for before the look, so that nothing is missed between the two; a stream ends with its reader.
            let wakes = register(order.id)
            defer { unregister(order.id, wakes.number) }
            guard let status = try await store.status(order.id) else {
                throw PostgresError(.malformed, "an order has disappeared")
            }
            let elapsed = ContinuousClock.now - begin
            switch status.state {
            case .done, .dropped: return status
            case .queued where elapsed >= claimDeadline: if try await store.drop(order.id) { continue }
            case .running where elapsed >= deadline: return status
            case .queued, .running: break
            }
            await wait(for: wakes.stream, atMost: .milliseconds(500))
            if Task.isCancelled { throw PostgresError(.cancelled, "the caller has gone") }
        }
    }

    /// How a probe stands; `nil` when there is none.
    public func status(_ id: ProbeID) async throws(PostgresError) -> ProbeStatus? {
        try await store.status(id)
    }

    /// Notes what is charged before the result is there; false when it has come meanwhile.
    ///
    /// - Parameter hold: the 16 bytes that name the ledger's hold.
    public func noteCharge(_ id: ProbeID, _ amount: MilliSatoshi, hold: [UInt8]) async throws(PostgresError) -> Bool {
        try await store.noteCharge(id, amount, hold: hold)
    }

    private func register(_ id: ProbeID) -> (number: Int, stream: AsyncStream<Void>) {
        let number = lastWaiter.add(1, ordering: .relaxed).newValue
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        waiters.withLock { $0[id, default: [:]][number] = continuation }
        return (number, stream)
    }

    private func unregister(_ id: ProbeID, _ number: Int) {
        waiters.withLock { waiters in
            waiters[id]?[number] = nil
            if waiters[id]?.isEmpty == true { waiters[id] = nil }
        }
    }

    private func wake(_ id: ProbeID) {
        waiters.withLock { $0[id]?.values.forEach { $0.yield() } }
    }

    private func wakeAll() {
        waiters.withLock { waiters in waiters.values.forEach { $0.values.forEach { $0.yield() } } }
    }

    /// Waits for a notification, or looks again after a while in case it was lost.
    private func wait(for stream: AsyncStream<Void>, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stream { break } }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
