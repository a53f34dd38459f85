// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A server process that ends with this one.
package final class Child {
    private let process = Process()
    private let lifeline = Pipe()
    private let announcement: String

    package var pid: Int32 { process.processIdentifier }

    package init(_ arguments: [String], announcement: String) throws {
        self.announcement = announcement
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = lifeline
        try process.run()
    }

    /// Waits for the port that the child writes once it listens.
    package func port() async throws -> Int {
        for _ in 0..<600 {
            if let data = FileManager.default.contents(atPath: announcement),
                let port = Int(String(decoding: data, as: UTF8.self))
            {
                return port
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchmarkError("no \(announcement) within a minute")
    }

    package func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Ends this process, a child, when its parent has gone.
    package static func endWithParent() {
        Thread.detachNewThread {
            _ = try? FileHandle.standardInput.readToEnd()
            exit(0)
        }
    }

    package static func announce(_ port: Int, at path: String) {
        try? Data(String(port).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Why there is no figure.
package struct BenchmarkError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// What a process has used, from `/proc`.
package enum ProcessTime {
    /// User and system time in seconds.
    package static func seconds(of process: Int32) throws -> Double {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // The name, in parentheses, may hold anything.
        let fields = stat.lastIndex(of: ")").map { stat[stat.index(after: $0)...].split(separator: " ") } ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw BenchmarkError("/proc/\(process)/stat cannot be read")
        }
        return Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Megabytes of resident memory.
    package static func residentMegabytes(of process: Int32) throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let words = line?.split(whereSeparator: \.isWhitespace) ?? []
        guard words.count == 3, let kilobytes = Double(words[1]) else {
            throw BenchmarkError("/proc/\(process)/status cannot be read")
        }
        return kilobytes / 1000
    }
}
