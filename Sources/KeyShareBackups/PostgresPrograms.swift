// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// pg_dump and pg_restore of one version.
struct PostgresPrograms: Sendable, Hashable {
    let directory: String
    let majorVersion: Int
    /// Such as `15.14`.
    let version: String

    var dump: String { "\(directory)/pg_dump" }
    var restore: String { "\(directory)/pg_restore" }

    /// Finds the newest of them.
    ///
    /// - Parameter only: the one directory to look in, in place of Debian's and those of `PATH`.
    /// - Throws: `.program`.
    static func find(in only: String? = nil) async throws(BackupFault) -> PostgresPrograms {
        var directories = [only].compactMap(\.self)
        if only == nil {
            let root = "/usr/lib/postgresql"
            let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
            directories = versions.map { "\(root)/\($0)/bin" } + path.split(separator: ":").map(String.init)
        }
        var found: [PostgresPrograms] = []
        for directory in directories {
            let isComplete = ["pg_dump", "pg_restore"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)")
            }
            guard isComplete, let programs = await look(in: directory) else { continue }
            found.append(programs)
        }
        guard let newest = found.max(by: { $0.majorVersion < $1.majorVersion }) else {
            throw BackupFault(.program, "pg_dump and pg_restore are not installed: apt-get install postgresql-client")
        }
        return newest
    }

    /// What `pg_dump --version` says, such as `pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
    private static func look(in directory: String) async -> PostgresPrograms? {
        let result = try? await Subprocess.run(
            .path(.init("\(directory)/pg_dump")),
            arguments: ["--version"],
            environment: .custom(["PATH": "\(directory):/usr/bin:/bin", "LC_ALL": "C"]),
            output: .string(limit: 4096)
        )
        guard let result, result.terminationStatus.isSuccess else { return nil }
        let words = result.standardOutput.split(whereSeparator: \.isWhitespace)
        guard words.count > 2, let major = Int(words[2].prefix { $0.isNumber }) else { return nil }
        return PostgresPrograms(directory: directory, majorVersion: major, version: String(words[2]))
    }

    /// - Throws: `.program` when the server is newer: its dump would lack what the program does not know.
    func check(serverMajorVersion: Int) throws(BackupFault) {
        guard majorVersion >= serverMajorVersion else {
            throw BackupFault(
                .program,
                "pg_dump is of version \(majorVersion) and the server of \(serverMajorVersion): "
                    + "apt-get install postgresql-client-\(serverMajorVersion)"
            )
        }
    }
}

/// A run of one of the programs.
struct ProgramRun: Sendable {
    let program: String
    let arguments: [String]
    let environment: [String: String]

    init(_ program: String, _ arguments: [String], _ environment: [String: String] = [:]) {
        self.program = program
        self.arguments = arguments
        let directory = program.split(separator: "/").dropLast().joined(separator: "/")
        self.environment = environment.merging(["PATH": "/\(directory):/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"]) {
            own,
            _ in own
        }
    }

    private static let errorLimit = 1 << 20

    /// What is started ends with us, and with all that it started itself.
    private static var options: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        return options
    }

    /// Runs the program and gives each piece of its output to the body.
    ///
    /// - Returns: what went wrong, or `nil`.
    func read(_ body: ([UInt8]) async throws -> Void) async throws -> String? {
        let result = try await Subprocess.run(
            .path(.init(program)),
            arguments: Arguments(arguments),
            environment: .custom(subprocessEnvironment),
            platformOptions: Self.options,
            input: .none,
            output: .sequence,
            error: .string(limit: Self.errorLimit)
        ) { execution in
            for try await buffer in execution.standardOutput {
                try await body(buffer.withUnsafeBytes { Array($0) })
            }
        }
        return problem(result.terminationStatus, result.standardError)
    }

    /// Runs the program and writes to it what the body gives to its parameter.
    ///
    /// - Returns: the output, and what went wrong or `nil`. A program that ends early is told here, not by the writer.
    func write(
        outputLimit: Int = 16 << 20,
        _ body: (_ writer: ([UInt8]) async throws -> Void) async throws -> Void
    ) async throws -> (output: String, problem: String?) {
        Self.survivesBrokenPipes
        let result = try await Subprocess.run(
            .path(.init(program)),
            arguments: Arguments(arguments),
            environment: .custom(subprocessEnvironment),
            platformOptions: Self.options,
            input: .inputWriter,
            output: .string(limit: outputLimit),
            error: .string(limit: Self.errorLimit)
        ) { execution in
            let writer = execution.standardInputWriter
            do {
                try await body { bytes in
                    do { _ = try await writer.write(bytes) } catch {
                        try Task.checkCancellation()
                        throw ReaderGone()
                    }
                }
            } catch is ReaderGone {}
            try? await writer.finish()
        }
        return (result.standardOutput, problem(result.terminationStatus, result.standardError))
    }

    private struct ReaderGone: Error {}

    /// A program that reads no further ends itself, not us: writing to it is an error then and no signal.
    private static let survivesBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    private var subprocessEnvironment: [Environment.Key: String] {
        Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
    }

    private func problem(_ status: TerminationStatus, _ errors: String) -> String? {
        guard !status.isSuccess else { return nil }
        let name = program.split(separator: "/").last.map(String.init) ?? program
        let line =
            errors.split(whereSeparator: \.isNewline).first { $0.contains("error") || $0.contains("FATAL") }
            ?? errors.split(whereSeparator: \.isNewline).last
        let how =
            switch status {
            case .exited(let code): "exit code \(code)"
            case .signaled(let signal): "signal \(signal)"
            }
        return "\(name) failed (\(how))" + (line.map { ": \($0.prefix(300))" } ?? "")
    }
}
