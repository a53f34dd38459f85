// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A statement on its way to a pipelined connection.
struct Request: Sendable {
    let statement: Statement
    let parameters: EncodedParameters
    let submitted: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant
    let reply: PostgresReply<QueryResult>

    /// How often the server said that it does not know the prepared statement (SQLSTATE 26000).
    var forgotten = 0
}

/// What a session's connection is asked to do.
enum SessionOperation: Sendable {
    /// One statement with parameters.
    case query(String, EncodedParameters)
    /// Several statements in the simple protocol.
    case script(String)
    /// `COPY ... FROM STDIN`, answered when the server expects data.
    case beginCopy(String)
    /// A piece of COPY data, answered when the socket has taken it.
    case copyData([UInt8])
    /// The end of COPY data, or the reason why there is no more.
    case endCopy(failure: String?)
}

/// Names a session of a client, or a subscriber.
struct SessionID: Hashable, Sendable {
    let number: UInt64
}

/// What tasks tell the connections' thread.
enum Command: Sendable {
    case submit(Request)
    /// Some waiting request's task was cancelled.
    case dropAbandoned
    case openSession(SessionID, deadline: ContinuousClock.Instant, PostgresReply<Void>)
    case perform(SessionID, SessionOperation, deadline: ContinuousClock.Instant, PostgresReply<QueryResult?>)
    /// Answers when a session has ended, for whatever reason.
    case awaitEnd(SessionID, PostgresReply<Void>)
    /// Ends a session; an operation under way is cancelled on the server.
    case closeSession(SessionID)
    case subscribe(SessionID, channel: String, AsyncStream<PostgresNotification>.Continuation)
    case unsubscribe(SessionID)
    case shutDown(grace: Duration)
}
