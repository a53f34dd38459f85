// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Pomade
internal import Postgres
internal import SealedRecords

/// The signer's rows, and the transactions that change them.
final class SignerStore: Sendable {
    let client: PostgresClient
    let ring: RecordKeyRing

    /// Attempts of a transaction that others keep crossing.
    private static let attempts = 12

    init(client: PostgresClient, ring: RecordKeyRing) {
        self.client = client
        self.ring = ring
    }

    /// Runs the body as one serialisable transaction, again when another crossed it, and undoes it when it throws.
    ///
    /// The body may run several times, so it does nothing that cannot be undone: mail goes out afterwards.
    func transaction<Value: Sendable>(_ body: (StoreTransaction) async throws -> Value) async throws -> Value {
        for attempt in 1..<Self.attempts {
            do { return try await once(body) } catch let error where Self.isCrossed(error) {
                // Others may have the connection meanwhile.
                try await Task.sleep(for: .milliseconds(Int.random(in: 1...(4 << min(attempt, 6)))))
            }
        }
        do { return try await once(body) } catch let error where Self.isCrossed(error) {
            throw SignerFailure(.busy, "Others change the same all the time: try again.")
        }
    }

    private func once<Value: Sendable>(_ body: (StoreTransaction) async throws -> Value) async throws -> Value {
        try await client.withConnection { session in
            do {
                try await session.script("BEGIN ISOLATION LEVEL SERIALIZABLE")
                let value = try await body(StoreTransaction(session: session, ring: ring))
                try await session.script("COMMIT")
                return value
            } catch {
                try? await session.script("ROLLBACK")
                throw error
            }
        }
    }

    /// Serialisation failure, deadlock, and a row that another has made meanwhile.
    private static func isCrossed(_ error: any Error) -> Bool {
        guard let state = (error as? PostgresError)?.sqlState else { return false }
        return ["40001", "40P01", "23505", "23503"].contains(state)
    }
}

/// One transaction: the rows' names and seals are its business alone.
struct StoreTransaction {
    let session: PostgresSession
    let ring: RecordKeyRing

    func query(_ statement: Statement, _ values: [PostgresValue] = []) async throws -> [Row] {
        try await session.query(statement, values)
    }

    @discardableResult
    func execute(_ statement: Statement, _ values: [PostgresValue] = []) async throws -> Int {
        try await session.execute(statement, values)
    }

    /// The name of a row to be written.
    func name(_ natural: [UInt8], in table: String) -> [UInt8] { ring.current.name(natural, in: table) }

    /// Every name that a row may have been written under.
    func names(_ natural: [UInt8], in table: String) -> PostgresValue { .byteaArray(ring.names(natural, in: table)) }

    var keyID: PostgresValue { .int2(Int16(ring.current.id)) }

    func seal(_ record: some Encodable, table: String, row: [UInt8]) throws -> PostgresValue {
        .bytea(ring.seal(try RecordCoding.bytes(record), table: table, row: row))
    }

    func open<Record: Decodable>(_ type: Record.Type, _ sealed: [UInt8], table: String, row: [UInt8]) throws -> Record {
        try RecordCoding.record(type, try ring.open(sealed, table: table, row: row))
    }

    /// A version that the row never had: copies in memory stand or fall with it.
    static func newVersion() -> PostgresValue { .int8(Int64.random(in: .min ... .max)) }
}
