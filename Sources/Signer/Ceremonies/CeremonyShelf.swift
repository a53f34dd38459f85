// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import OrderedCollections
internal import Pomade
internal import SigningRounds
internal import Synchronization

/// A key generation that has begun here.
struct GenerationState: Sendable {
    let begin: PomadeBody.KeyGeneration.Begin
    let rounds: GroupGeneration
}

/// A repair in which this signer helps.
struct RepairState: Sendable {
    let begin: PomadeBody.Repair.Begin
    let context: Hex32
    let helper: RepairHelper
}

/// What goes on between a client's requests, in memory only, for ten minutes.
final class CeremonyShelf<State: Sendable>: Sendable {
    private static var lifetime: Int64 { 600 }
    private static var capacity: Int { 1000 }

    private let entries = Mutex<OrderedDictionary<Hex32, (state: State, expiresAt: Int64)>>([:])

    /// Keeps what a client has begun, in place of what it had begun before.
    func put(_ state: State, for client: Hex32, now: Int64) {
        entries.withLock { entries in
            entries[client] = nil
            if entries.count >= Self.capacity { entries.removeFirst() }
            entries[client] = (state, now + Self.lifetime)
        }
    }

    func get(_ client: Hex32, now: Int64) -> State? {
        entries.withLock { entries in
            guard let entry = entries[client] else { return nil }
            if now < entry.expiresAt { return entry.state }
            entries[client] = nil
            return nil
        }
    }

    /// Takes it out, so that nobody else can.
    func take(_ client: Hex32, now: Int64) -> State? {
        let entry = entries.withLock { $0.removeValue(forKey: client) }
        return entry.flatMap { now < $0.expiresAt ? $0.state : nil }
    }

    func sweep(now: Int64) { entries.withLock { $0.removeAll { now >= $0.value.expiresAt } } }
}
