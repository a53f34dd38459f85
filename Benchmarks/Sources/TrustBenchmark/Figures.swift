// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Measured values, some beside what they may be at most.
struct Figures {
    struct Figure: Encodable {
        let name: String
        let value: Double
        let unit: String
        let atMost: Double?
    }

    private(set) var all: [Figure] = []

    mutating func add(_ name: String, _ value: Double, _ unit: String, atMost: Double? = nil) {
        all.append(Figure(name: name, value: (value * 10).rounded() / 10, unit: unit, atMost: atMost))
    }

    mutating func append(_ other: Figures) { all += other.all }

    var isGood: Bool { all.allSatisfy { $0.value <= $0.atMost ?? .infinity } }

    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try encoder.encode(all)
        }
    }

    var table: String {
        all.map { figure in
            let name = figure.name.padding(toLength: 46, withPad: " ", startingAt: 0)
            let value = "\(figure.value)"
            let padded = String(repeating: " ", count: max(0, 12 - value.count)) + value
            let target = figure.atMost.map {
                figure.value <= $0 ? "   at most \(Int($0))" : "   MISSED: at most \(Int($0))"
            }
            return "\(name)\(padded) \(figure.unit)\(target ?? "")"
        }.joined(separator: "\n")
    }
}
