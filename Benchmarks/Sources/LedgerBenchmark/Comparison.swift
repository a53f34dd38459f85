// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Debits of the ledger beside pgbench, with the same number of callers.
struct Comparison {
    let callers: Int
    /// Per second.
    let debits: Double
    let pgbench: Pgbench.Result
    let bareUpdate: Pgbench.Result

    /// Each caller makes one debit at a time.
    var milliseconds: Double { Double(callers) / debits * 1000 }

    /// At least twice pgbench's rate at 32 callers; alone, a debit takes no longer than there, within what repeats differ.
    var isGood: Bool { callers == 1 ? milliseconds <= pgbench.milliseconds * 1.1 : debits >= pgbench.perSecond * 2 }

    static func report(_ rows: [Comparison], isJSON: Bool) throws {
        guard isJSON else {
            print("callers  ours/s  ours ms  pgbench/s  pgbench ms  ratio  bare UPDATE/s  bare UPDATE ms  ratio")
            for row in rows { print(row.columns.joined(separator: "  ")) }
            return
        }
        let values = rows.map { row in
            [
                "callers": Double(row.callers), "debits_per_second": row.debits, "milliseconds": row.milliseconds,
                "pgbench_per_second": row.pgbench.perSecond, "pgbench_milliseconds": row.pgbench.milliseconds,
                "bare_update_per_second": row.bareUpdate.perSecond,
                "bare_update_milliseconds": row.bareUpdate.milliseconds,
            ]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(values), as: UTF8.self))
    }

    private var columns: [String] {
        func rounded(_ value: Double) -> String { String((value * 100).rounded() / 100) }
        return [
            String(callers), String(Int(debits)), rounded(milliseconds), String(Int(pgbench.perSecond)),
            rounded(pgbench.milliseconds), rounded(debits / pgbench.perSecond), String(Int(bareUpdate.perSecond)),
            rounded(bareUpdate.milliseconds), rounded(debits / bareUpdate.perSecond),
        ]
    }
}
