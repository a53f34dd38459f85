// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Synchronization

/// Nonces that were fetched before they are needed; each set is given out once.
final class NoncePool: Sendable {
    /// Seconds; signers keep them for 600.
    static let lifetime: Int64 = 540
    static let limit = 256

    private let sets = Mutex<Deque<(nonces: QuorumNonces, expiresAt: Int64)>>([])

    func add(_ nonces: [QuorumNonces], now: Int64) {
        sets.withLock { sets in
            for set in nonces { sets.append((set, now + Self.lifetime)) }
            while sets.count > Self.limit { sets.removeFirst() }
        }
    }

    func take(now: Int64) -> QuorumNonces? {
        sets.withLock { sets in
            while let first = sets.popFirst() { if now < first.expiresAt { return first.nonces } }
            return nil
        }
    }

    var count: Int { sets.withLock(\.count) }
}
