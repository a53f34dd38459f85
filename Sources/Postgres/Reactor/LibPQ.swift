// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import Glibc

/// The calls into libpq that need more than one line.
enum LibPQ {
    /// Whether libpq can read a connection string.
    static func canParse(_ connectionString: String) -> Bool {
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(connectionString, &message)
        // The message may quote the string and with it a password: it goes nowhere.
        PQfreemem(message)
        defer { PQconninfoFree(options) }
        return options != nil
    }

    /// Begins to connect; the caller polls.
    ///
    /// Blocks for the look-up of a host name, if there is one.
    static func startConnecting(_ configuration: PostgresConfiguration) -> OpaquePointer? {
        // What stands before `dbname` is a default that the connection string may override.
        let parameters: KeyValuePairs = [
            "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
            "dbname": configuration.connectionString,
            "fallback_application_name": configuration.applicationName,
            "client_encoding": "UTF8",
        ]
        let keys = parameters.map { strdup($0.key) }
        let values = parameters.map { strdup($0.value) }
        defer { for text in keys + values { free(text) } }
        let connection = PQconnectStartParams(
            keys.map { UnsafePointer($0) } + [nil],
            values.map { UnsafePointer($0) } + [nil],
            1
        )
        // libpq would print notices to standard error.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        return connection
    }

    /// What libpq says about the connection, on one line; never holds a password.
    static func message(of connection: OpaquePointer) -> String { oneLine(PQerrorMessage(connection)) }

    static func connectError(_ connection: OpaquePointer) -> PostgresError {
        PostgresError(.unavailable, message(of: connection))
    }

    /// The error that a failed result holds; without SQLSTATE it is the connection's, not the server's.
    static func error(of result: OpaquePointer) -> PostgresError {
        guard let state = PQresultErrorField(result, Diagnostic.sqlState) else {
            return PostgresError(.connectionLost(retrySafe: false), oneLine(PQresultErrorMessage(result)))
        }
        // Only the primary message: the detail line may quote values.
        let message = PQresultErrorField(result, Diagnostic.primaryMessage).map { oneLine($0) } ?? ""
        return PostgresError(.server(sqlState: String(cString: state)), message)
    }

    /// Whether the server ends the connection after this error.
    static func isFatal(_ result: OpaquePointer) -> Bool {
        guard let severity = PQresultErrorField(result, Diagnostic.severity) else { return false }
        return ["FATAL", "PANIC"].contains(String(cString: severity))
    }

    /// Asks the server to cancel what the connection runs, from a thread of its own because the call blocks.
    static func cancel(_ connection: OpaquePointer) {
        guard let request = PQgetCancel(connection) else { return }
        let box = CancelRequest(pointer: request)
        _ = Thread.start { box.send() }
    }

    private static func oneLine(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "" }
        return String(cString: text).split(whereSeparator: \.isNewline).joined(separator: "; ")
    }

    /// Field codes of error messages (PostgreSQL manual, "Error and Notice Message Fields").
    private enum Diagnostic {
        static let severity = Int32(UInt8(ascii: "V"))
        static let sqlState = Int32(UInt8(ascii: "C"))
        static let primaryMessage = Int32(UInt8(ascii: "M"))
    }

    /// `@unchecked Sendable`: libpq copies into the cancel object what it needs; one thread uses it, then it is freed.
    private final class CancelRequest: @unchecked Sendable {
        private let pointer: OpaquePointer
        init(pointer: OpaquePointer) { self.pointer = pointer }
        deinit { PQfreeCancel(pointer) }

        func send() {
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                _ = PQcancel(pointer, buffer.baseAddress, 256)
            }
        }
    }
}
