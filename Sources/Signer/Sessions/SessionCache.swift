// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import OrderedCollections
internal import Pomade
internal import SigningRounds
internal import Synchronization

/// A session that is ready to sign: its share decrypted, its group checked.
struct ReadySession: Sendable {
    /// The name of its row.
    let id: [UInt8]
    let version: Int64
    let shareVersion: Int64
    let client: Hex32
    let policy: SessionPolicy?
    let deactivatedAt: Int64?
    let share: SignerShare
}

/// Ready sessions by their rows' names, in bounded memory.
///
/// A copy is good only as long as its row's versions are those that were read with it; whoever asks brings them, fresh
/// from the database.
final class SessionCache: Sendable {
    private let capacity: Int
    private let entries = Mutex<OrderedDictionary<[UInt8], ReadySession>>([:])

    init(capacity: Int = 10_000) { self.capacity = capacity }

    func session(_ live: LiveState) -> ReadySession? {
        entries.withLock { entries in
            guard let entry = entries[live.id] else { return nil }
            guard entry.version == live.version, entry.shareVersion == live.shareVersion else {
                entries[live.id] = nil
                return nil
            }
            return entry
        }
    }

    func keep(_ session: ReadySession, as id: [UInt8]) {
        entries.withLock { entries in
            // The oldest half goes: keeping count of every use would cost more than reading some rows again.
            if entries[id] == nil, entries.count >= capacity { entries.removeFirst(max(1, capacity / 2)) }
            entries[id] = session
        }
    }

    func remove(_ id: [UInt8]) { entries.withLock { $0[id] = nil } }

    var count: Int { entries.withLock { $0.count } }
}
