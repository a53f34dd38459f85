// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics

/// The client's metrics; belongs to the connections' thread.
final class Instruments {
    private let pool: String
    private var durations: [Statement: Timer] = [:]
    private let all: Timer
    private let errors: Counter
    private let inFlight: Gauge
    private let waiting: Gauge
    private let connections: Gauge
    private var lastGauges = (inFlight: -1, waiting: -1, connections: -1)

    init(pool: String) {
        self.pool = pool
        let dimensions = [("pool", pool)]
        all = Timer(label: "pg_pool_query_duration_seconds", dimensions: dimensions)
        errors = Counter(label: "pg_pool_query_errors_total", dimensions: dimensions)
        inFlight = Gauge(label: "pg_pool_in_flight", dimensions: dimensions)
        waiting = Gauge(label: "pg_pool_waiting", dimensions: dimensions)
        connections = Gauge(label: "pg_pool_connections", dimensions: dimensions)
    }

    /// Counts a statement; its duration includes the wait for a connection.
    func record(_ statement: Statement, took duration: Duration, failed: Bool) {
        if failed { errors.increment() }
        all.record(duration: duration)
        timer(for: statement).record(duration: duration)
    }

    private func timer(for statement: Statement) -> Timer {
        if let timer = durations[statement] { return timer }
        let timer = Timer(label: "db_query_duration_seconds", dimensions: [("statement", statement.name)])
        durations[statement] = timer
        return timer
    }

    func record(inFlight: Int, waiting: Int, connections: Int) {
        guard lastGauges != (inFlight, waiting, connections) else { return }
        lastGauges = (inFlight, waiting, connections)
        self.inFlight.record(inFlight)
        self.waiting.record(waiting)
        self.connections.record(connections)
    }
}
