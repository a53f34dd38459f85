// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials

/// A parameter of a statement, sent in PostgreSQL's binary format with its type.
///
/// The type decides how the server reads the parameter: `.int4` may be assigned to a `bigint` column, `.text` needs a
/// cast in the SQL (`$1::uuid`) where another type is wanted. `.null` takes the type the server infers.
public enum PostgresValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int2(Int16)
    case int4(Int32)
    case int8(Int64)
    case float8(Double)
    /// Must not contain U+0000, which PostgreSQL's text cannot hold.
    case text(String)
    case bytea([UInt8])
    /// JSON text; the server refuses what is not JSON.
    case jsonb(String)
    /// Microsecond resolution.
    case timestamptz(Date)

    case boolArray([Bool])
    case int2Array([Int16])
    case int4Array([Int32])
    case int8Array([Int64])
    case float8Array([Double])
    case textArray([String])
    case byteaArray([[UInt8]])
    case timestamptzArray([Date])

    case optionalInt4Array([Int32?])
    case optionalInt8Array([Int64?])
    case optionalFloat8Array([Double?])
    case optionalTextArray([String?])
    case optionalByteaArray([[UInt8]?])
}
