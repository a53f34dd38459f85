// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives
internal import Synchronization

/// The state of all accounts, shared and on disk.
///
/// Nothing that is told outside can be lost afterwards: every answer waits until the journal holds all that the state
/// held when the answer was made.
final class Ledger: Sendable {
    private struct Guarded {
        var state: LedgerState
        /// The journal's number of the last event.
        var sequence: UInt64 = 0
    }

    let bell = Bell()
    private let journal: Journal
    private let guarded: Mutex<Guarded>

    /// Opens the journal and replays it; blocks.
    init(path: String, network: BitcoinNetwork) throws(SandboxError) {
        let bell = bell
        let (journal, lines) = try Journal.open(path: path) { bell.ring() }
        self.journal = journal
        guarded = Mutex(Guarded(state: try Self.replay(lines, network: network, path: path)))
    }

    private static func replay(
        _ lines: [[UInt8]],
        network: BitcoinNetwork,
        path: String
    ) throws(SandboxError) -> LedgerState {
        var state = LedgerState(network: network)
        let decoder = JSONDecoder()
        for (number, line) in lines.enumerated() {
            guard let event = try? decoder.decode(LedgerEvent.self, from: Data(line)), state.canApply(event) else {
                throw SandboxError(.damaged, "\(path), line \(number + 1) is not an event of this sandbox")
            }
            state.apply(event)
        }
        return state
    }

    /// Runs a command and returns when what it did is on the disk.
    func change<Answer: Sendable>(
        _ command: @Sendable (inout LedgerState) throws(RPCError) -> Answer
    ) async throws -> Answer {
        let (outcome, sequence) = run(command)
        try await journal.wait(for: sequence)
        return try outcome.get()
    }

    /// Runs a command that cannot fail, without waiting for the disk; see ``settled()``.
    func changeNow<Answer: Sendable>(_ command: @Sendable (inout LedgerState) -> Answer) -> Answer {
        run { (state: inout LedgerState) throws(Never) in command(&state) }.outcome.get()
    }

    /// Waits until everything is on the disk.
    func settled() async throws { try await journal.wait(for: guarded.withLock { $0.sequence }) }

    /// Lets another sandbox have the journal; commands fail afterwards.
    func release() async { await journal.release() }

    private func run<Answer: Sendable, Failure: Error>(
        _ command: @Sendable (inout LedgerState) throws(Failure) -> Answer
    ) -> (outcome: Result<Answer, Failure>, sequence: UInt64) {
        guarded.withLock { guarded in
            let outcome = Result { () throws(Failure) in try command(&guarded.state) }
            for event in guarded.state.takeUncommitted() { guarded.sequence = journal.append(Self.line(event)) }
            return (outcome, guarded.sequence)
        }
    }

    /// Looks at the state and returns when all that was seen is on the disk.
    func read<Answer: Sendable>(_ look: @Sendable (LedgerState) throws(RPCError) -> Answer) async throws -> Answer {
        try await change { (state: inout LedgerState) throws(RPCError) in try look(state) }
    }

    private static func line(_ event: LedgerEvent) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(event)) + [UInt8(ascii: "\n")]
        } catch {
            preconditionFailure("events hold only text and integers, which always encode")
        }
    }
}
