// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import HealthCheck
import NIOCore
import NIOHTTP1
import Subprocess
import Supervisor
import SystemPackage

/// Looks at a running service, for cron and for people.
struct HealthCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Check a running service; tell about changes; for cron and containers.",
        discussion: """
            Prints one line per cause. With --state, a cause is told when it begins, every six hours while it lasts, and \
            when it ends, to --notify and --webhook alike.

              */5 * * * * assay healthcheck --url http://127.0.0.1:3000 \\
                          --state /var/lib/assay/health.json \\
                            --notify 'mail -s "assay" root'

            Exit codes: 0 healthy, 1 degraded, 2 unreachable.
            """
    )

    @Option(help: "The service's address.")
    var url = "http://127.0.0.1:3000"

    @Option(help: "A file that remembers what was told.")
    var state: String?

    @Option(help: "A shell command that gets the messages on its standard input.")
    var notify: String?

    @Option(help: "A URL that gets the messages as JSON {\"text\": ...} by POST.")
    var webhook: String?

    @Option(help: "A URL to call when all is well: a dead man's switch.")
    var ping: String?

    @Option(help: "A directory whose disk must not be full.")
    var disk = "/"

    @Option(help: "How full the disk may be, in percent.")
    var diskLimit = 90

    @Option(help: "A backup that must have changed within a day.")
    var backup: String?

    @Option(help: "A PEM certificate that must be valid for two more weeks.")
    var certificate: String?

    @Flag(help: "Print nothing when all is well.")
    var quiet = false

    func run() async throws {
        // Two checks at once would tell everything twice.
        var lock: DirectoryLock?
        if let state {
            let directory = URL(fileURLWithPath: state).deletingLastPathComponent().path
            do {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            } catch {
                throw Failure(
                    Failure.unavailable,
                    "\(directory) cannot be made for the state; name another with --state"
                )
            }
            guard FileManager.default.isWritableFile(atPath: directory) else {
                throw Failure(
                    Failure.unavailable,
                    "the state cannot be written to \(directory); name another with --state"
                )
            }
            lock = DirectoryLock(directory: directory)
            guard lock != nil else { throw Failure(Failure.temporary, "another check is running in \(directory)") }
        }
        let checker = HealthChecker(
            url: url,
            diskPath: disk,
            diskLimitPercent: diskLimit,
            backupPath: backup,
            certificatePath: certificate
        )
        let report = await checker.check()
        for cause in report.causes { print("\(cause.key): \(cause.text)") }
        if report.causes.isEmpty, !quiet { print("healthy") }
        try await tell(report)
        if report.exitCode == 0, let ping { _ = try? await HTTPClient.shared.get(ping) }
        _ = lock
        guard report.exitCode == 0 else { throw ExitCode(report.exitCode) }
    }

    private func tell(_ report: HealthReport) async throws {
        guard let state else { return }
        var memory = HealthState()
        if let data = FileManager.default.contents(atPath: state) {
            memory = (try? JSONDecoder().decode(HealthState.self, from: data)) ?? HealthState()
        }
        let messages = memory.update(report, now: Int64(Date().timeIntervalSince1970))
        if !messages.isEmpty {
            let text = messages.joined(separator: "\n") + "\n"
            // Two ways that do not depend on each other.
            async let shell: Void = runNotify(text)
            async let hook: Void = post(text)
            _ = await (shell, hook)
        }
        try PrivateFile.write(Array(try JSONEncoder().encode(memory)), to: state)
    }

    private func runNotify(_ text: String) async {
        guard let notify else { return }
        let result = try? await Subprocess.run(
            .path("/bin/sh"),
            arguments: ["-c", notify],
            input: .string(text),
            output: .discarded
        )
        if result?.terminationStatus.isSuccess != true { Terminal.error("--notify failed") }
    }

    private func post(_ text: String) async {
        guard let webhook, let body = try? JSONEncoder().encode(["text": text]) else { return }
        var request = HTTPClientRequest(url: webhook)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(15))
        if response.map({ $0.status.code >= 300 }) ?? true { Terminal.error("--webhook failed") }
    }
}

extension HTTPClient {
    fileprivate func get(_ url: String) async throws -> HTTPClientResponse {
        try await execute(HTTPClientRequest(url: url), timeout: .seconds(10))
    }
}
