// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A server process that ends with this one.
struct ChildProcess {
    private let process: Process
    /// Kept open: the child ends when it closes.
    private let lifeline = Pipe()

    var pid: Int32 { process.processIdentifier }

    init(_ program: String, _ arguments: [String]) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = lifeline
        try process.run()
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Ends this process, a child, when its parent has gone.
    static func endWithParent() {
        Thread.detachNewThread {
            _ = try? FileHandle.standardInput.readToEnd()
            exit(0)
        }
    }

    /// Waits for a file that a child writes once it is ready.
    static func announcement<Value: Decodable>(_ type: Value.Type, at path: String) async throws -> Value {
        for _ in 0..<600 {
            if let data = FileManager.default.contents(atPath: path) {
                return try JSONDecoder().decode(type, from: data)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchmarkError("no \(path) within a minute")
    }

    static func announce(_ value: some Encodable, at path: String) throws {
        try JSONEncoder().encode(value).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Why there is no figure.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
