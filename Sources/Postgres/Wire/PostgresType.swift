// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The object identifier of a built-in type, as in PostgreSQL's `pg_type.dat`.
struct PostgresType: Hashable, Sendable, CustomStringConvertible {
    let oid: UInt32

    init(_ oid: UInt32) { self.oid = oid }

    /// Lets the server infer the type of a parameter.
    static let inferred = PostgresType(0)
    static let bool = PostgresType(16)
    static let bytea = PostgresType(17)
    static let name = PostgresType(19)
    static let int8 = PostgresType(20)
    static let int2 = PostgresType(21)
    static let int4 = PostgresType(23)
    static let text = PostgresType(25)
    static let json = PostgresType(114)
    static let float4 = PostgresType(700)
    static let float8 = PostgresType(701)
    static let unknown = PostgresType(705)
    static let boolArray = PostgresType(1000)
    static let byteaArray = PostgresType(1001)
    static let int2Array = PostgresType(1005)
    static let int4Array = PostgresType(1007)
    static let textArray = PostgresType(1009)
    static let varcharArray = PostgresType(1015)
    static let int8Array = PostgresType(1016)
    static let float4Array = PostgresType(1021)
    static let float8Array = PostgresType(1022)
    static let bpchar = PostgresType(1042)
    static let varchar = PostgresType(1043)
    static let timestamptz = PostgresType(1184)
    static let timestamptzArray = PostgresType(1185)
    static let numeric = PostgresType(1700)
    static let jsonb = PostgresType(3802)

    private static let names: [PostgresType: String] = [
        .bool: "boolean", .bytea: "bytea", .name: "name", .int8: "bigint", .int2: "smallint", .int4: "integer",
        .text: "text", .json: "json", .float4: "real", .float8: "double precision", .boolArray: "boolean[]",
        .byteaArray: "bytea[]", .int2Array: "smallint[]", .int4Array: "integer[]", .textArray: "text[]",
        .varcharArray: "varchar[]", .int8Array: "bigint[]", .float4Array: "real[]",
        .float8Array: "double precision[]", .bpchar: "char", .varchar: "varchar", .timestamptz: "timestamptz",
        .timestamptzArray: "timestamptz[]", .numeric: "numeric", .jsonb: "jsonb",
    ]

    var description: String { Self.names[self] ?? "type \(oid)" }
}
