// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PostgresTestSupport
import Testing

@testable import Postgres

@Suite("Values and columns")
struct ValueTests {
    @Test("every kind of value comes back from the server as it was sent")
    func roundTrip() async throws {
        try await TestDatabase.withEmpty { client in
            let moment = Date(timeIntervalSince1970: 1_700_000_000.25)
            let before2000 = Date(timeIntervalSince1970: 1.5)
            let row = try #require(
                try await client.query(
                    Statement(
                        "all",
                        "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18"
                    ),
                    [
                        .bool(true), .int2(-7), .int4(.min), .int8(.max), .float8(-0.1), .text("ₐssay"), .bytea([]),
                        .bytea([0, 255]), .jsonb("[1, null]"), .timestamptz(moment), .timestamptz(before2000),
                        .boolArray([true, false]), .int4Array([]), .int8Array([.min, 0, .max]),
                        .float8Array([.infinity, 0.5]), .textArray(["", "{,}\"\\"]), .byteaArray([[], [1], [2, 3]]),
                        .int2Array([-1, 1]),
                    ]
                ).first
            )
            #expect(try row.bool(0))
            #expect(try row.int2(1) == -7)
            #expect(try row.int4(2) == .min)
            #expect(try row.int8(3) == .max)
            #expect(try row.float8(4) == -0.1)
            #expect(try row.text(5) == "ₐssay")
            #expect(try row.bytea(6) == [])
            #expect(try row.bytea(7) == [0, 255])
            #expect(try row.text(8) == "[1, null]")
            #expect(try row.date(9) == moment)
            #expect(try row.date(10) == before2000)
            #expect(try row.boolArray(11) == [true, false])
            #expect(try row.int4Array(12) == [])
            #expect(try row.int8Array(13) == [.min, 0, .max])
            #expect(try row.float8Array(14) == [.infinity, 0.5])
            #expect(try row.textArray(15) == ["", "{,}\"\\"])
            #expect(try row.byteaArray(16) == [[], [1], [2, 3]])
            #expect(try row.int8Array(17) == [-1, 1])
            #expect(row.count == 18)
        }
    }

    @Test("NULL is nil where it may be and an error that names the column where it may not")
    func null() async throws {
        try await TestDatabase.withEmpty { client in
            let rows = try await client.query(Statement("null", "SELECT $1::int8 AS amount, $2::text"), [.null, .null])
            #expect(rows[0].isNull(0))
            #expect(try rows[0].optionalInt8(0) == nil)
            #expect(try rows[0].optionalText(1) == nil)
            let error = #expect(throws: PostgresError.self) { try rows[0].int8(0) }
            #expect(error?.code == .malformed)
            #expect(error?.detail.contains("amount") == true)
        }
    }

    @Test("arrays with NULL elements can be sent and are counted by the server")
    func nullableElements() async throws {
        try await TestDatabase.withEmpty { client in
            let rows = try await client.query(
                Statement(
                    "nulls",
                    """
                    SELECT array_to_string($1::int4[], ',', '-'), array_to_string($2::int8[], ',', '-'),
                           array_to_string($3::text[], ',', '-'), cardinality($4::bytea[]), ($5::float8[])[2] IS NULL
                    """
                ),
                [
                    .optionalInt4Array([1, nil]), .optionalInt8Array([nil, 2]), .optionalTextArray(["a", nil, ""]),
                    .optionalByteaArray([nil]), .optionalFloat8Array([1, nil]),
                ]
            )
            #expect(try rows[0].text(0) == "1,-")
            #expect(try rows[0].text(1) == "-,2")
            #expect(try rows[0].text(2) == "a,-,")
            #expect(try rows[0].int4(3) == 1)
            #expect(try rows[0].bool(4))
        }
    }

    @Test("reading a column as another type says which types were expected and found")
    func mismatch() async throws {
        try await TestDatabase.withEmpty { client in
            let rows = try await client.query(
                Statement("sum", "SELECT sum(x) AS total FROM generate_series(1::int8, 3) x")
            )
            let error = #expect(throws: PostgresError.self) { try rows[0].int8(0) }
            #expect(error?.detail.contains("numeric") == true)
            #expect(error?.detail.contains("bigint") == true)
            #expect(throws: PostgresError(.malformed, "")) { try rows[0].int8(1) }
        }
    }

    @Test("integers widen and never narrow silently")
    func widening() async throws {
        try await TestDatabase.withEmpty { client in
            let rows = try await client.query(Statement("widths", "SELECT 1::int2, 2::int4, 3::int8"))
            #expect(try rows[0].int8(0) == 1)
            #expect(try rows[0].int8(1) == 2)
            #expect(try rows[0].int4(0) == 1)
            #expect(throws: PostgresError(.malformed, "")) { try rows[0].int4(2) }
        }
    }

    @Test("a statement works with NULL first, with a value later, and with another type after that")
    func variants() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            let statement = Statement("variant", "SELECT $1::int8, pg_typeof($1)::text")
            for (value, type, number) in [
                (PostgresValue.null, "bigint", Int64?.none), (.int8(1), "bigint", 1), (.int4(2), "integer", 2),
                (.null, "bigint", nil), (.int8(3), "bigint", 3),
            ] {
                let rows = try await client.query(statement, [value])
                #expect(try rows[0].optionalInt8(0) == number)
                #expect(try rows[0].text(1) == type)
            }
        }
    }

    @Test("no truncated or flipped array makes the decoder crash or read beyond its bytes")
    func arrayFuzz() {
        var bytes: [UInt8] = []
        PostgresValue.byteaArray([[1, 2, 3], [], [4]]).write(to: &bytes)
        let decode = { (bytes: [UInt8]) in bytes.withUnsafeBytes { raw in raw.array { Array($0) } } }
        #expect(decode(bytes) == [[1, 2, 3], [], [4]])
        for length in 0..<bytes.count { #expect(decode(Array(bytes.prefix(length))) == nil) }
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            if let decoded = decode(flipped) { #expect(decoded.count <= 3) }
        }
        // A header that promises four thousand million elements must not make us reserve room for them.
        #expect(decode([0, 0, 0, 1] + [0, 0, 0, 0] + [0, 0, 0, 17] + [0x7F, 255, 255, 255] + [0, 0, 0, 1]) == nil)
    }
}
