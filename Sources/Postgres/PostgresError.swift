// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a statement did not succeed.
///
/// Two errors are equal when their codes are. An error never holds credentials.
public struct PostgresError: Error, Hashable, CustomStringConvertible {
    /// The kind of an error.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Kind: Hashable, Sendable {
            case connectionLost(retrySafe: Bool)
            case unavailable
            case timedOut
            case overloaded
            case cancelled
            case closed
            case server(sqlState: String)
            case malformed
            case invalidConfiguration
        }

        let kind: Kind

        /// The connection ended before the answer came.
        ///
        /// `retrySafe` is true when the statement certainly had no effect.
        public static func connectionLost(retrySafe: Bool) -> Code { Code(kind: .connectionLost(retrySafe: retrySafe)) }

        /// No connection could be made before the deadline; the statement was not sent.
        public static let unavailable = Code(kind: .unavailable)

        /// The statement was sent and not answered before its deadline; it may have taken effect.
        public static let timedOut = Code(kind: .timedOut)

        /// Too many statements wait already; this one was not sent.
        public static let overloaded = Code(kind: .overloaded)

        /// The calling task was cancelled; a statement that was under way may have taken effect.
        public static let cancelled = Code(kind: .cancelled)

        /// The client was shut down, or the session has ended.
        public static let closed = Code(kind: .closed)

        /// The server refused the statement with this SQLSTATE (PostgreSQL appendix A), and it had no effect.
        public static func server(sqlState: String) -> Code { Code(kind: .server(sqlState: sqlState)) }

        /// A column or parameter is not of the type that was asked for.
        public static let malformed = Code(kind: .malformed)

        /// The connection string cannot be understood.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)

        public var description: String {
            switch kind {
            case .connectionLost(let retrySafe): "connection lost (\(retrySafe ? "without" : "perhaps with") effect)"
            case .unavailable: "database unavailable"
            case .timedOut: "timed out"
            case .overloaded: "overloaded"
            case .cancelled: "cancelled"
            case .closed: "closed"
            case .server(let sqlState): "SQLSTATE \(sqlState)"
            case .malformed: "malformed"
            case .invalidConfiguration: "invalid configuration"
            }
        }
    }

    public let code: Code

    /// What was expected, what was found and where; for operators, not for HTTP clients.
    public let detail: String

    /// Makes an error.
    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The five characters of PostgreSQL appendix A when the server refused the statement.
    public var sqlState: String? {
        guard case .server(let sqlState) = code.kind else { return nil }
        return sqlState
    }

    /// Whether the statement certainly had no effect and may succeed when it is sent again.
    public var isRetryable: Bool {
        switch code.kind {
        case .connectionLost(let retrySafe): retrySafe
        case .unavailable, .overloaded: true
        case .server(let sqlState):
            // Serialisation failure, deadlock, shutdown, crash, start-up, and the connection exceptions.
            ["40001", "40P01", "57P01", "57P02", "57P03"].contains(sqlState) || sqlState.hasPrefix("08")
        case .timedOut, .cancelled, .closed, .malformed, .invalidConfiguration: false
        }
    }

    public var description: String { detail.isEmpty ? "\(code)" : "\(code): \(detail)" }

    public static func == (left: PostgresError, right: PostgresError) -> Bool { left.code == right.code }

    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
