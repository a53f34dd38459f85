// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import ServiceLifecycle
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Keeps children running: one that ends is started again after a pause; all are stopped in order at shutdown.
public final class ProcessSupervisor: Service, Sendable {
    private let child: Child
    private let logger: Logger
    private let state = Mutex<Int32?>(nil)
    private let onStart: @Sendable (Int32) -> Void

    /// Makes a supervisor of one child.
    /// - Parameter onStart: told the process id at every start.
    public init(_ child: Child, logger: Logger, onStart: @escaping @Sendable (Int32) -> Void = { _ in }) {
        self.child = child
        self.logger = logger
        self.onStart = onStart
    }

    /// The running child's process id.
    public var processID: Int32? { state.withLock { $0 } }

    /// Runs the child until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var backOff = BackOff()
            while !Task.isCancelled {
                let begin = ContinuousClock.now
                let reason = await self.runOnce()
                self.state.withLock { $0 = nil }
                guard !Task.isCancelled else { return }
                let wait = backOff.wait(afterUptime: ContinuousClock.now - begin)
                self.logger.error(
                    "a process ended and will be started again",
                    metadata: [
                        "child": "\(self.child.name)", "reason": "\(reason)", "wait": "\(wait)",
                        "log": "\(self.child.logFile)",
                    ]
                )
                try? await Task.sleep(for: wait)
            }
        }
    }

    private func runOnce() async -> String {
        do {
            let log = try FileDescriptor.open(
                FilePath(child.logFile),
                .writeOnly,
                options: [.create, .append],
                permissions: [.ownerReadWrite]
            )
            defer { try? log.close() }
            var options = PlatformOptions()
            // A terminal's Ctrl-C is for us: children are stopped in order.
            options.createSession = true
            options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(20))]
            let result = try await Subprocess.run(
                .path(FilePath(child.executable)),
                arguments: Arguments(child.arguments),
                environment: .custom(
                    Dictionary(child.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }) {
                        first,
                        _ in
                        first
                    }
                ),
                platformOptions: options,
                input: .none,
                output: .fileDescriptor(log, closeAfterSpawningProcess: false),
                error: .combinedWithOutput
            ) { execution in
                let id = execution.processIdentifier.value
                self.state.withLock { $0 = id }
                self.onStart(id)
            }
            return "\(result.terminationStatus)"
        } catch {
            return "\(error)"
        }
    }
}
