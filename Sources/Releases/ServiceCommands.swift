// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
internal import Subprocess
internal import SystemPackage

/// The shell commands that start the service again and that ask whether it is well.
public struct ServiceCommands: Sendable {
    /// Run one after the other; none starts nothing.
    public var restart: [String]
    /// All must succeed.
    public var health: [String]
    /// How long the service may take to become healthy.
    public var patience: Duration

    public init(restart: [String], health: [String], patience: Duration = .seconds(20)) {
        self.restart = restart
        self.health = health
        self.patience = patience
    }

    /// How long one restart command may take: a unit has 30 s to stop.
    private static let restartTime = Duration.seconds(90)

    /// Starts the service again and waits until it is healthy.
    ///
    /// - Returns: what went wrong, or `nil`.
    func restartAndCheck() async -> String? {
        for command in restart {
            if let problem = await Self.restart(command) { return problem }
        }
        let end = ContinuousClock.now + patience
        for command in health {
            var problem = await Self.check(command, within: end - .now)
            while problem != nil, end - .now > Self.pause, !Task.isCancelled {
                try? await Task.sleep(for: Self.pause)
                problem = await Self.check(command, within: end - .now)
            }
            if let problem { return problem }
        }
        return nil
    }

    /// Between two tries of a health command.
    private static let pause = Duration.milliseconds(500)

    /// Runs a restart command.
    ///
    /// It writes to our standard error, not to a pipe: what it starts may keep that open for as long as it lives.
    private static func restart(_ command: String) async -> String? {
        await outcome(command, within: restartTime) {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: ["-c", command],
                platformOptions: session,
                input: .none,
                output: .fileDescriptor(.standardError, closeAfterSpawningProcess: false),
                error: .combinedWithOutput
            )
            return (result.terminationStatus, "")
        }
    }

    /// Runs a health command once.
    private static func check(_ command: String, within time: Duration) async -> String? {
        await outcome(command, within: time) {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: ["-c", command],
                platformOptions: session,
                input: .none,
                output: .string(limit: 1 << 20),
                error: .combinedWithOutput
            )
            return (result.terminationStatus, result.standardOutput)
        }
    }

    /// What a shell has started ends with it when its time is up.
    private static var session: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        return options
    }

    /// What went wrong with a command, with the last line that it wrote.
    private static func outcome(
        _ command: String,
        within time: Duration,
        _ run: @escaping @Sendable () async throws -> (TerminationStatus, String)
    ) async -> String? {
        guard time > .zero else { return "'\(command)' had no time left" }
        do {
            let (status, text) = try await withDeadline(time, run)
            guard !status.isSuccess else { return nil }
            let line = text.split(whereSeparator: \.isNewline).last.map { ": \($0)" } ?? ""
            let how =
                switch status {
                case .exited(let code): "exit code \(code)"
                case .signaled(let signal): "signal \(signal)"
                }
            return "'\(command)' failed (\(how))\(line)"
        } catch is DeadlineExceeded {
            return "'\(command)' took too long"
        } catch {
            return "'\(command)' could not be run: \(error)"
        }
    }
}
