// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ

/// An answer of the server, owned.
///
/// `@unchecked Sendable`: libpq's results are read-only once made and may be shared between threads (libpq manual,
/// "Behavior in Threaded Programs"); this one is freed when the last reference goes.
final class QueryResult: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int32
    let columnCount: Int

    /// Takes the result over.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = PQntuples(pointer)
        columnCount = Int(PQnfields(pointer))
    }

    deinit { PQclear(pointer) }

    var rows: [Row] { (0..<rowCount).map { Row(result: self, index: $0) } }

    /// The rows that an INSERT, UPDATE, DELETE, MERGE, SELECT or COPY touched; 0 for anything else.
    var affectedRows: Int {
        guard let text = PQcmdTuples(pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    func isNull(row: Int32, column: Int) -> Bool { PQgetisnull(pointer, row, Int32(column)) == 1 }

    func type(of column: Int) -> PostgresType { PostgresType(PQftype(pointer, Int32(column))) }

    func name(of column: Int) -> String { PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "\(column)" }

    func withBytes<Value>(row: Int32, column: Int, _ body: (UnsafeRawBufferPointer) -> Value?) -> Value? {
        let length = Int(PQgetlength(pointer, row, Int32(column)))
        return body(UnsafeRawBufferPointer(start: PQgetvalue(pointer, row, Int32(column)), count: length))
    }
}
