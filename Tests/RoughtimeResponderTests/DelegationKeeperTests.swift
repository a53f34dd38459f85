// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Logging
import Roughtime
import RoughtimeKeys
import Synchronization
import Testing

@testable import RoughtimeResponder

/// Counts what is logged.
private final class LogCounts: Sendable {
    private let counts = Mutex<[Logger.Level: Int]>([:])

    func count(_ level: Logger.Level) -> Int { counts.withLock { $0[level, default: 0] } }

    func add(_ level: Logger.Level) { counts.withLock { $0[level, default: 0] += 1 } }
}

private struct CountingHandler: LogHandler {
    let counts: LogCounts
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { counts.add(event.level) }
}

@Suite("The keeper of delegations")
struct DelegationKeeperTests {
    @Test("a request that cannot be written is not tried again at once")
    func unwritable() async throws {
        let counter = LogCounts()
        let options = DelegationKeeper.Options(
            requestFile: "/nonexistent/request.json",
            certificatesFile: "/nonexistent/certificates.json"
        )
        let keeper = DelegationKeeper(
            options: options,
            longTermPublicKey: [UInt8](repeating: 1, count: 32),
            holder: IdentityHolder(),
            logger: Logger(label: "test") { _ in CountingHandler(counts: counter) }
        )
        let running = Task { try await keeper.run() }
        while counter.count(.warning) == 0 { await Task.yield() }
        // Without a pause there would be an error for every few of these.
        for _ in 0..<100_000 { await Task.yield() }
        running.cancel()
        try await running.value
        #expect(counter.count(.error) == 1)
    }
}
