// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DailyLogs
internal import KeyShareNode
public import KeyShareProtocol

/// Asks the store and the backups how they are, not more often than makes sense.
actor StatusDesk {
    private let service: KeyShareService
    private let backups: any BackupDesk
    private let configuration: KeyShareServerConfiguration
    private var last: (answer: StatusAnswer, until: ContinuousClock.Instant)?
    private var asking: Task<StatusAnswer, Never>?

    init(service: KeyShareService, backups: any BackupDesk, configuration: KeyShareServerConfiguration) {
        self.service = service
        self.backups = backups
        self.configuration = configuration
    }

    /// How things stand, as of a moment ago.
    func current() async -> StatusAnswer {
        if let last, .now < last.until {
            var answer = last.answer
            answer.time = UTCText.now()
            return answer
        }
        // Whoever comes meanwhile waits for the same answer.
        let task = asking ?? Task { await self.ask() }
        asking = task
        let start = ContinuousClock.now
        let answer = await task.value
        if asking == task {
            asking = nil
            // Counting what is stored may take a twentieth of the time, whoever asks how often.
            let now = ContinuousClock.now
            last = (answer, now + min((now - start) * 19, configuration.statusAge))
        }
        return answer
    }

    private func ask() async -> StatusAnswer {
        async let store = service.status()
        async let backup = backups.status()
        return StatusAnswer(
            store: await store,
            backup: await backup,
            launchTime: configuration.launchTime,
            commit: configuration.commit,
            version: configuration.version,
            time: UTCText.now()
        )
    }
}

/// A node that makes no backups.
public struct NoBackups: BackupDesk {
    private static let failure = KeyShareFailure(.notFound, "This node makes no backups: DUMP_DIR is not set")

    public init() {}

    public func backup() async throws(KeyShareFailure) -> BackupReceipt { throw Self.failure }
    public func restore(_ path: DumpPath) async throws(KeyShareFailure) -> String { throw Self.failure }
    public func history(days: Int?) async throws(KeyShareFailure) -> [BackupRow] { throw Self.failure }
    public func status() async -> BackupStatus { BackupStatus() }
    public func acceptOffsite(
        node: String,
        name: String,
        body: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable
    ) async throws(KeyShareFailure) { throw Self.failure }
}
