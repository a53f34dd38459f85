// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import DequeModule

/// A connection in pipeline mode with up to `depth` statements on the way.
///
/// Every statement is followed by its own Sync, so each is a transaction and an error fails nobody else.
final class PipelineLink: Link {
    private struct InFlight {
        let request: Request
        /// The name under which the server has the statement.
        let name: String
        /// Whether the answer to Parse comes before the statement's own.
        var isPreparing: Bool
        /// What the caller gets when the Sync is confirmed: only then is the transaction committed.
        var outcome: Result<QueryResult, PostgresError>?
    }

    private var inFlight: Deque<InFlight> = []
    private var prepared = PreparedStatements()
    /// A lower bound of the deadlines in `inFlight`, so that they are searched only when it passes.
    private var earliestDeadline: ContinuousClock.Instant?
    /// Whether the server announced that it ends the connection: nothing behind the first statement was run.
    private var wasEndedByServer = false

    /// The number of statements on the way.
    var load: Int { inFlight.count }

    override func didConnect(_ connection: OpaquePointer) {
        guard PQenterPipelineMode(connection) == 1 else { return lose(connection) }
        guard loop.configuration.plansOnce else { return }
        let request = Request(
            statement: Self.planOnce,
            parameters: EncodedParameters(),
            submitted: loop.now,
            deadline: loop.now + loop.configuration.statementDeadline,
            reply: PostgresReply()
        )
        if !send(request) { lose(connection) }
    }

    private static let planOnce = Statement("plan_once", "SET plan_cache_mode = force_generic_plan")

    /// Sends a statement; false when the connection turned out to be broken and nothing was sent.
    func send(_ request: Request) -> Bool {
        guard let connection else { return false }
        let parameters = request.parameters
        let (name, isNew) = prepared.name(
            for: request.statement,
            types: parameters.types,
            isFresh: request.forgotten > 0
        )
        let count = Int32(parameters.types.count)
        if isNew {
            let types = parameters.types.map(\.oid)
            guard PQsendPrepare(connection, name, request.statement.sql, count, types) == 1 else { return false }
        }
        let isSent = parameters.withPointers { values, lengths, formats in
            PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1) == 1
        }
        // libpq 15 offers what it has buffered to the socket here; `flush` sends what that did not take.
        guard isSent, PQpipelineSync(connection) == 1 else { return false }
        inFlight.append(InFlight(request: request, name: name, isPreparing: isNew))
        earliestDeadline = min(earliestDeadline ?? request.deadline, request.deadline)
        return true
    }

    override func read(_ connection: OpaquePointer) -> Bool {
        let isAlive = PQconsumeInput(connection) == 1
        var isBetweenAnswers = false
        while !inFlight.isEmpty, PQisBusy(connection) == 0 {
            guard let result = PQgetResult(connection) else {
                // One nil ends a statement's answer; two in a row mean that there is nothing more.
                if isBetweenAnswers { break }
                isBetweenAnswers = true
                continue
            }
            isBetweenAnswers = false
            guard take(result) else { return false }
        }
        return isAlive
    }

    /// Handles one result and disposes of it; false when the connection is lost.
    private func take(_ result: OpaquePointer) -> Bool {
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            finishFirst()
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
        case PGRES_FATAL_ERROR:
            defer { PQclear(result) }
            let error = LibPQ.error(of: result)
            guard error.sqlState != nil else { return false }
            if LibPQ.isFatal(result) { wasEndedByServer = true }
            if case .failure = inFlight[0].outcome { return true }
            inFlight[0].outcome = .failure(error)
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            if inFlight[0].isPreparing {
                PQclear(result)
                inFlight[0].isPreparing = false
            } else {
                inFlight[0].outcome = .success(QueryResult(owning: result))
            }
        default:
            // COPY and the like cannot be run here, and libpq cannot leave them within a pipeline.
            PQclear(result)
            inFlight[0].outcome = .failure(PostgresError(.malformed, "a pipelined statement started a COPY"))
            return false
        }
        return true
    }

    private func finishFirst() {
        guard let first = inFlight.popFirst() else { return }
        if inFlight.isEmpty { earliestDeadline = nil }
        let outcome = first.outcome ?? .failure(PostgresError(.malformed, "the server gave no answer"))
        if case .failure(let error) = outcome, first.isPreparing || error.sqlState == "26000" {
            prepared.forget(first.name, of: first.request.statement)
            if error.sqlState == "26000", first.request.forgotten == 0 {
                // Never run: the Parse it relied on failed, or somebody deallocated it. Once more, with a Parse.
                var again = first.request
                again.forgotten = 1
                return loop.requeue(again)
            }
        }
        loop.complete(first.request, outcome)
    }

    // MARK: Ending

    override var workDeadline: ContinuousClock.Instant? { earliestDeadline }

    override func expireWork(at now: ContinuousClock.Instant) {
        guard let connection, let earliestDeadline, earliestDeadline <= now else { return }
        self.earliestDeadline = inFlight.lazy.map(\.request.deadline).min()
        guard inFlight.contains(where: { $0.request.deadline <= now }) else { return }
        for index in inFlight.indices where inFlight[index].request.deadline <= now {
            inFlight[index].outcome = .failure(PostgresError(.timedOut, "not answered before the deadline"))
        }
        close(connection, PostgresError(.connectionLost(retrySafe: false), "a statement was not answered in time"))
    }

    override func didLose(_ error: PostgresError) {
        let lost = inFlight
        let wasEnded = wasEndedByServer
        inFlight = []
        prepared.removeAll()
        earliestDeadline = nil
        wasEndedByServer = false
        for (index, entry) in lost.enumerated() {
            if case .failure = entry.outcome, let outcome = entry.outcome {
                loop.complete(entry.request, outcome)
            } else {
                // A server that says goodbye has not looked at what stands behind the statement it was at.
                let isSafe = wasEnded && index > 0
                loop.complete(
                    entry.request,
                    .failure(PostgresError(.connectionLost(retrySafe: isSafe), error.detail))
                )
            }
        }
    }
}
