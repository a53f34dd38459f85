// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPEdge
import Logging
import ServiceLifecycle
import Supervisor
import UnixSignals

/// Runs services until a signal, or until the parent has gone.
enum Services {
    /// Runs the services; the first in the list stops last.
    /// - Parameter parent: the supervisor's process id, when there is one.
    static func run(_ services: [any Service], parent: Int32?, logger: Logger) async throws {
        var all = services
        if let parent {
            // The group listens to SIGTERM, so an orphan ends in the same order as a stopped service.
            all.append(ParentWatch(parent: parent) { kill(getpid(), SIGTERM) })
        }
        let group = ServiceGroup(
            configuration: .init(
                services: all.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await group.run()
        } catch let error as AddressTaken {
            throw Failure(Failure.unavailable, "\(error)")
        }
    }
}
