// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials

/// One row of an answer; its columns are read by position, counted from 0.
///
/// Cheap to copy. It keeps the whole answer in memory, so do not store rows.
public struct Row: Sendable {
    let result: QueryResult
    let index: Int32

    /// The number of columns.
    public var count: Int { result.columnCount }

    /// Whether the column is NULL.
    public func isNull(_ column: Int) -> Bool { result.isNull(row: index, column: column) }

    /// A `boolean`.
    public func bool(_ column: Int) throws(PostgresError) -> Bool { try required(column, optionalBool(column)) }
    /// A `smallint`.
    public func int2(_ column: Int) throws(PostgresError) -> Int16 { try required(column, optionalInt2(column)) }
    /// An `integer` or `smallint`.
    public func int4(_ column: Int) throws(PostgresError) -> Int32 { try required(column, optionalInt4(column)) }
    /// A `bigint`, `integer` or `smallint`; cast `numeric` (the type of `sum(bigint)`) in the SQL.
    public func int8(_ column: Int) throws(PostgresError) -> Int64 { try required(column, optionalInt8(column)) }
    /// A `double precision` or `real`.
    public func float8(_ column: Int) throws(PostgresError) -> Double { try required(column, optionalFloat8(column)) }
    /// A `text`, `varchar`, `char`, `name`, `json` or `jsonb`.
    public func text(_ column: Int) throws(PostgresError) -> String { try required(column, optionalText(column)) }
    /// A `bytea`.
    public func bytea(_ column: Int) throws(PostgresError) -> [UInt8] { try required(column, optionalBytea(column)) }
    /// A `timestamptz`.
    public func date(_ column: Int) throws(PostgresError) -> Date { try required(column, optionalDate(column)) }

    /// A `boolean[]` of one dimension without NULL.
    public func boolArray(_ column: Int) throws(PostgresError) -> [Bool] {
        try required(column, optionalBoolArray(column))
    }
    /// An `integer[]` or `smallint[]` of one dimension without NULL.
    public func int4Array(_ column: Int) throws(PostgresError) -> [Int32] {
        try required(column, optionalInt4Array(column))
    }
    /// A `bigint[]`, `integer[]` or `smallint[]` of one dimension without NULL.
    public func int8Array(_ column: Int) throws(PostgresError) -> [Int64] {
        try required(column, optionalInt8Array(column))
    }
    /// A `double precision[]` or `real[]` of one dimension without NULL.
    public func float8Array(_ column: Int) throws(PostgresError) -> [Double] {
        try required(column, optionalFloat8Array(column))
    }
    /// A `text[]` or `varchar[]` of one dimension without NULL.
    public func textArray(_ column: Int) throws(PostgresError) -> [String] {
        try required(column, optionalTextArray(column))
    }
    /// A `bytea[]` of one dimension without NULL.
    public func byteaArray(_ column: Int) throws(PostgresError) -> [[UInt8]] {
        try required(column, optionalByteaArray(column))
    }

    private func required<Value>(_ column: Int, _ value: Value?) throws(PostgresError) -> Value {
        guard let value else { throw PostgresError(.malformed, "column \(result.name(of: column)) is NULL") }
        return value
    }
}

extension Row {
    /// A `boolean`, or `nil` for NULL.
    public func optionalBool(_ column: Int) throws(PostgresError) -> Bool? {
        try decode(column, [.bool]) { bytes in bytes.integer(as: UInt8.self).map { $0 != 0 } }
    }
    /// A `smallint`, or `nil` for NULL.
    public func optionalInt2(_ column: Int) throws(PostgresError) -> Int16? {
        try decode(column, [.int2]) { bytes in bytes.widened().flatMap(Int16.init(exactly:)) }
    }
    /// An `integer` or `smallint`, or `nil` for NULL.
    public func optionalInt4(_ column: Int) throws(PostgresError) -> Int32? {
        try decode(column, [.int4, .int2]) { bytes in bytes.widened().flatMap(Int32.init(exactly:)) }
    }
    /// A `bigint`, `integer` or `smallint`, or `nil` for NULL.
    public func optionalInt8(_ column: Int) throws(PostgresError) -> Int64? {
        try decode(column, [.int8, .int4, .int2]) { bytes in bytes.widened() }
    }
    /// A `double precision` or `real`, or `nil` for NULL.
    public func optionalFloat8(_ column: Int) throws(PostgresError) -> Double? {
        try decode(column, [.float8, .float4]) { bytes in bytes.floatingPoint() }
    }
    /// A `text`, `varchar`, `char`, `name`, `json` or `jsonb`, or `nil` for NULL.
    public func optionalText(_ column: Int) throws(PostgresError) -> String? {
        if try type(of: column) == .jsonb {
            // Binary jsonb is a version byte, 1, and then the text.
            return try decode(column, [.jsonb]) { bytes in bytes.first == 1 ? bytes.dropping(1).string() : nil }
        }
        return try decode(column, [.text, .varchar, .bpchar, .name, .json, .unknown]) { bytes in bytes.string() }
    }
    /// A `bytea`, or `nil` for NULL.
    public func optionalBytea(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try decode(column, [.bytea]) { bytes in Array(bytes) }
    }
    /// A `timestamptz`, or `nil` for NULL.
    public func optionalDate(_ column: Int) throws(PostgresError) -> Date? {
        try decode(column, [.timestamptz]) { bytes in
            bytes.integer(as: Int64.self).map(PostgresTimestamp.date(microseconds:))
        }
    }
    /// A `boolean[]`, or `nil` for NULL.
    public func optionalBoolArray(_ column: Int) throws(PostgresError) -> [Bool]? {
        try decode(column, [.boolArray]) { bytes in
            bytes.array { element in element.integer(as: UInt8.self).map { $0 != 0 } }
        }
    }
    /// An `integer[]` or `smallint[]`, or `nil` for NULL.
    public func optionalInt4Array(_ column: Int) throws(PostgresError) -> [Int32]? {
        try decode(column, [.int4Array, .int2Array]) { bytes in
            bytes.array { element in element.widened().flatMap(Int32.init(exactly:)) }
        }
    }
    /// A `bigint[]`, `integer[]` or `smallint[]`, or `nil` for NULL.
    public func optionalInt8Array(_ column: Int) throws(PostgresError) -> [Int64]? {
        try decode(column, [.int8Array, .int4Array, .int2Array]) { bytes in
            bytes.array { element in element.widened() }
        }
    }
    /// A `double precision[]` or `real[]`, or `nil` for NULL.
    public func optionalFloat8Array(_ column: Int) throws(PostgresError) -> [Double]? {
        try decode(column, [.float8Array, .float4Array]) { bytes in
            bytes.array { element in element.floatingPoint() }
        }
    }
    /// A `text[]` or `varchar[]`, or `nil` for NULL.
    public func optionalTextArray(_ column: Int) throws(PostgresError) -> [String]? {
        try decode(column, [.textArray, .varcharArray]) { bytes in bytes.array { element in element.string() } }
    }
    /// A `bytea[]`, or `nil` for NULL.
    public func optionalByteaArray(_ column: Int) throws(PostgresError) -> [[UInt8]]? {
        try decode(column, [.byteaArray]) { bytes in bytes.array { element in Array(element) } }
    }

    private func type(of column: Int) throws(PostgresError) -> PostgresType {
        guard (0..<count).contains(column) else {
            throw PostgresError(.malformed, "column \(column) of an answer with \(count) columns")
        }
        return result.type(of: column)
    }

    private func decode<Value>(
        _ column: Int,
        _ accepted: [PostgresType],
        _ body: (UnsafeRawBufferPointer) -> Value?
    ) throws(PostgresError) -> Value? {
        let found = try type(of: column)
        guard accepted.contains(found) else {
            throw PostgresError(
                .malformed,
                "column \(result.name(of: column)) has type \(found), expected \(accepted.map(\.description))"
            )
        }
        guard !isNull(column) else { return nil }
        guard let value = result.withBytes(row: index, column: column, body) else {
            throw PostgresError(.malformed, "column \(result.name(of: column)): no valid \(found)")
        }
        return value
    }
}
