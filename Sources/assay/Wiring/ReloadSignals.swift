// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Has files read anew on SIGHUP; a service to run.
final class ReloadSignals: Service {
    private let actions = Mutex<[@Sendable () async -> Void]>([])
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// Adds something that is to be done on SIGHUP.
    func add(_ action: @escaping @Sendable () async -> Void) { actions.withLock { $0.append(action) } }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: [.sighup]) {
                self.logger.notice("SIGHUP: reading files anew")
                for action in self.actions.withLock({ $0 }) { await action() }
            }
        }
    }
}
