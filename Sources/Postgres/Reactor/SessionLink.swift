// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import DequeModule

/// The connection of one session: one operation at a time, no pipeline, no reconnecting.
final class SessionLink: Link {
    private struct Operation {
        let work: SessionOperation
        let deadline: ContinuousClock.Instant
        let reply: PostgresReply<QueryResult?>
    }

    let id: SessionID
    private var opening: (reply: PostgresReply<Void>, deadline: ContinuousClock.Instant)?
    private var queue: Deque<Operation> = []
    private var current: Operation?
    private var result: Result<QueryResult?, PostgresError> = .success(nil)
    private var end: PostgresError?
    /// Who waits for the end.
    private var watchers: [PostgresReply<Void>] = []

    init(id: SessionID, deadline: ContinuousClock.Instant, reply: PostgresReply<Void>, token: UInt64, loop: EventLoop) {
        self.id = id
        opening = (reply, deadline)
        super.init(token: token, loop: loop)
    }

    override var reconnects: Bool { false }

    override func didConnect(_ connection: OpaquePointer) {
        opening?.reply.complete(.success(()))
        opening = nil
    }

    /// Queues an operation behind those under way.
    func perform(
        _ work: SessionOperation,
        deadline: ContinuousClock.Instant,
        reply: PostgresReply<QueryResult?>
    ) {
        if let end {
            reply.complete(.failure(end))
            return
        }
        queue.append(Operation(work: work, deadline: deadline, reply: reply))
        startNext()
    }

    /// Answers when the session has ended.
    func awaitEnd(_ reply: PostgresReply<Void>) {
        if end == nil { watchers.append(reply) } else { reply.complete(.success(())) }
    }

    /// Ends the session; what the server is doing for it is cancelled.
    func finish(_ error: PostgresError) {
        if let connection, current != nil { LibPQ.cancel(connection) }
        retire(error)
    }

    private func startNext() {
        guard current == nil, let connection, let next = queue.popFirst() else { return }
        current = next
        result = .success(nil)
        let isSent =
            switch next.work {
            case .query(let sql, let parameters):
                parameters.withPointers { values, lengths, formats in
                    PQsendQueryParams(
                        connection,
                        sql,
                        Int32(parameters.types.count),
                        parameters.types.map(\.oid),
                        values,
                        lengths,
                        formats,
                        1
                    ) == 1
                }
            case .script(let sql), .beginCopy(let sql): PQsendQuery(connection, sql) == 1
            case .copyData(let bytes):
                PQputCopyData(connection, bytes.map(CChar.init(bitPattern:)), Int32(bytes.count)) == 1
            case .endCopy(let failure): PQputCopyEnd(connection, failure) == 1
            }
        guard isSent else { return lose(connection) }
        flush()
    }

    override func didFlush(_ connection: OpaquePointer) {
        if case .copyData = current?.work { finishCurrent() }
    }

    override func read(_ connection: OpaquePointer) -> Bool {
        let isAlive = PQconsumeInput(connection) == 1
        while current != nil, isExpectingResults, PQisBusy(connection) == 0 {
            guard let pointer = PQgetResult(connection) else {
                finishCurrent()
                continue
            }
            take(pointer)
        }
        return isAlive
    }

    private var isExpectingResults: Bool {
        if case .copyData = current?.work { return false }
        return true
    }

    private func take(_ pointer: OpaquePointer) {
        switch PQresultStatus(pointer) {
        case PGRES_FATAL_ERROR:
            if case .success = result { result = .failure(LibPQ.error(of: pointer)) }
            PQclear(pointer)
        case PGRES_COPY_IN:
            PQclear(pointer)
            if case .beginCopy = current?.work { return finishCurrent() }
            result = .failure(PostgresError(.malformed, "COPY where a statement was expected"))
            finish(PostgresError(.closed, "the session was left in a COPY"))
        case PGRES_COPY_OUT, PGRES_COPY_BOTH:
            PQclear(pointer)
            finish(PostgresError(.malformed, "COPY TO is not supported"))
        default:
            let answer = QueryResult(owning: pointer)
            if case .success = result { result = .success(answer) }
        }
    }

    private func finishCurrent() {
        guard let operation = current else { return }
        current = nil
        operation.reply.complete(result)
        startNext()
    }

    // MARK: Ending

    override var workDeadline: ContinuousClock.Instant? { current?.deadline }

    override func expireWork(at now: ContinuousClock.Instant) {
        guard let operation = current, operation.deadline <= now else { return }
        operation.reply.complete(.failure(PostgresError(.timedOut, "not answered before the deadline")))
        finish(PostgresError(.closed, "the session ended with a statement that was not answered in time"))
    }

    override func didLose(_ error: PostgresError) {
        end = error
        opening?.reply.complete(.failure(PostgresError(.unavailable, error.detail)))
        opening = nil
        if let operation = current {
            if case .failure(let failure) = result, failure.sqlState != nil {
                operation.reply.complete(result)
            } else {
                operation.reply.complete(.failure(error))
            }
        }
        current = nil
        for operation in queue { operation.reply.complete(.failure(error)) }
        queue = []
        for watcher in watchers { watcher.complete(.success(())) }
        watchers = []
    }
}
