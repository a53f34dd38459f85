// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import ServiceLifecycle

/// Ends a child whose parent has gone: killed hard, a supervisor cannot stop its children itself.
public struct ParentWatch: Service {
    private let parent: Int32
    private let stop: @Sendable () -> Void

    /// Makes a watch.
    /// - Parameters:
    ///   - parent: the process id that the supervisor gave.
    ///   - stop: called once when this process has another parent.
    public init(parent: Int32, stop: @escaping @Sendable () -> Void) {
        self.parent = parent
        self.stop = stop
    }

    /// Looks twice a second until shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                guard getppid() == parent else {
                    stop()
                    try? await Task.sleep(for: .seconds(3600))
                    return
                }
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}
