// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import DequeModule
internal import Synchronization

/// Remembers which signed requests were accepted, so that nobody uses one twice.
///
/// The key is the signature: two honest requests of one second may share an event id, but not a signature, since clients
/// sign with fresh randomness. Kept are 16 bytes of a hash with a secret of the process, about 60 MB at a million
/// entries. Old entries leave in the order of their coming, so each call costs the same few steps.
public final class ReplayCache: Sendable {
    /// What became of a signature.
    public enum Verdict: Sendable, Hashable {
        /// It was new and is now remembered.
        case fresh
        case replayed
        /// There is no room until older entries expire: the request has to be refused, as it could come twice.
        case full
    }

    private struct Fingerprint: Hashable {
        let high, low: UInt64
    }

    private struct State {
        var known: Set<Fingerprint> = []
        var byAge: Deque<(fingerprint: Fingerprint, expiry: Int64)> = []
    }

    private let lifetime: Int64
    private let capacity: Int
    private let secret = SymmetricKey(size: .bits256)
    private let state = Mutex(State())

    /// - Parameters:
    ///   - lifetime: seconds; has to cover the window of `created_at` on both sides.
    ///   - capacity: how many signatures at most.
    public init(lifetime: Int64 = 130, capacity: Int = 1_000_000) {
        self.lifetime = lifetime
        self.capacity = capacity
    }

    /// How many signatures are remembered, for metrics.
    public var count: Int { state.withLock { $0.byAge.count } }

    /// Remembers a signature that has been verified.
    ///
    /// - Parameter now: Unix seconds.
    public func admit(_ signature: [UInt8], now: Int64) -> Verdict {
        let fingerprint = fingerprint(of: signature)
        return state.withLock { state in
            while let oldest = state.byAge.first, oldest.expiry <= now {
                state.known.remove(oldest.fingerprint)
                state.byAge.removeFirst()
            }
            if state.known.contains(fingerprint) { return .replayed }
            guard state.byAge.count < capacity else { return .full }
            state.known.insert(fingerprint)
            state.byAge.append((fingerprint, now + lifetime))
            return .fresh
        }
    }

    private func fingerprint(of signature: [UInt8]) -> Fingerprint {
        var hash = SHA256()
        secret.withUnsafeBytes { hash.update(bufferPointer: $0) }
        hash.update(data: signature)
        return hash.finalize().withUnsafeBytes { bytes in
            Fingerprint(
                high: bytes.loadUnaligned(as: UInt64.self),
                low: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
    }
}
