// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Processor time of processes, from `/proc`.
enum ProcessTime {
    /// User and system time of a process and everything it has started, in seconds.
    static func seconds(of root: Int32) -> Double {
        let processes = all()
        var family: Set<Int32> = [root]
        var hasGrown = true
        while hasGrown {
            let more = processes.filter { family.contains($0.value.parent) && !family.contains($0.key) }.map(\.key)
            family.formUnion(more)
            hasGrown = !more.isEmpty
        }
        let ticks = family.compactMap { processes[$0]?.ticks }.reduce(0, +)
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func all() -> [Int32: (parent: Int32, ticks: Int)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var found: [Int32: (parent: Int32, ticks: Int)] = [:]
        for pid in names.compactMap({ Int32($0) }) {
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                // The name, in parentheses, may hold anything.
                let end = stat.lastIndex(of: ")")
            else { continue }
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            guard fields.count > 12, let parent = Int32(fields[1]), let user = Int(fields[11]),
                let system = Int(fields[12])
            else { continue }
            found[pid] = (parent, user + system)
        }
        return found
    }
}
