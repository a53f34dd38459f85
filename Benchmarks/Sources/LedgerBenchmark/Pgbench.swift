// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// PostgreSQL's own load generator, for what the same server does without batching.
struct Pgbench {
    /// What a run measured.
    struct Result {
        let perSecond: Double
        let milliseconds: Double
    }

    let connectionString: String
    let directory: String
    /// How many each client makes; its option for a time needs a signal that Swift's threads block.
    let transactions = 2000

    /// One debit as one UPDATE, which records nothing: the least that any ledger has to do.
    ///
    /// On a copy of the credits, so that the ledger's own books stay right.
    static let bareUpdate = """
        \\set index random(0, 9999)
        UPDATE bare_credits SET spent_msat = spent_msat + 1, last_used_at = now()
         WHERE payment_hash = decode(lpad(to_hex(:index::bigint), 64, '0'), 'hex') AND spent_msat + 1 <= paid_msat
           AND (expires_at IS NULL OR expires_at > now()) AND closed_at IS NULL;
        """

    /// The same UPDATE with the hold and the entry that the ledger writes.
    static let debit = """
        \\set index random(0, 9999)
        WITH debited AS (
            UPDATE credits SET spent_msat = spent_msat + 1, last_used_at = now()
             WHERE payment_hash = decode(lpad(to_hex(:index::bigint), 64, '0'), 'hex') AND spent_msat + 1 <= paid_msat
               AND (expires_at IS NULL OR expires_at > now()) AND closed_at IS NULL
            RETURNING payment_hash, uuid_send(gen_random_uuid()) AS hold_id
        ), held AS (
            INSERT INTO holds (hold_id, payment_hash, amount_msat, route, deadline)
            SELECT hold_id, payment_hash, 1, 'score', now() + 90000::bigint * interval '1 millisecond' FROM debited
        )
        INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
        SELECT 'hold', payment_hash, hold_id, 'score', 1 FROM debited;
        """

    func run(_ script: String, clients: Int) throws -> Result {
        let file = "\(directory)/pgbench.sql"
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/pgbench")
        process.arguments = [
            "--no-vacuum", "--protocol=prepared", "--client=\(clients)", "--jobs=\(min(2, clients))",
            "--transactions=\(transactions)", "--file=\(file)", connectionString,
        ]
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        func value(_ name: String) -> Double? {
            text.split(separator: "\n").first { $0.hasPrefix("\(name) = ") }?
                .dropFirst(name.count + 3).split(separator: " ").first.flatMap { Double($0) }
        }
        guard process.terminationStatus == 0, let rate = value("tps"), let latency = value("latency average") else {
            throw PgbenchFailed(output: text)
        }
        return Result(perSecond: rate, milliseconds: latency)
    }
}

/// pgbench did not say what was asked.
struct PgbenchFailed: Error {
    let output: String
}
