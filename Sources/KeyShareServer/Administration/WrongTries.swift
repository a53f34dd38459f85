// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses
internal import Synchronization

/// Locks the administrator's routes after too many wrong passwords.
///
/// A try is counted when it begins and forgiven when it was right, so that many at once are no way around the limit.
final class WrongTries: Sendable {
    /// How many of one address.
    static let addressLimit = 5
    /// How many of all addresses together.
    static let overallLimit = 20
    /// Within how many seconds, and for how long the lock holds.
    static let window = 900.0

    private struct Try {
        let number: UInt64
        let address: IPNetwork?
        let time: Double
    }

    private struct State {
        /// By age; never more than the overall limit.
        var tries: [Try] = []
        var lastNumber: UInt64 = 0

        /// A locked address stays so until its last try is old; of others each try counts by itself.
        mutating func forgetOld(_ now: Double) {
            for (address, own) in Dictionary(grouping: tries, by: \.address) {
                let isLocked = own.count >= WrongTries.addressLimit && now - (own.last?.time ?? 0) < WrongTries.window
                if !isLocked { tries.removeAll { $0.address == address && now - $0.time >= WrongTries.window } }
            }
        }
    }

    private let state = Mutex(State())

    init() {}

    /// Begins a try.
    ///
    /// - Parameter now: monotonic seconds.
    /// - Returns: its number, or `nil` when the routes are locked for the address.
    func begin(_ address: IPAddress?, now: Double) -> UInt64? {
        let key = address?.network(v4: 32, v6: 64)
        return state.withLock { state in
            if state.tries.count >= Self.overallLimit {
                guard let newest = state.tries.last, now - newest.time >= Self.window else { return nil }
                state.tries = []
            }
            state.forgetOld(now)
            guard state.tries.count(where: { $0.address == key }) < Self.addressLimit else { return nil }
            state.lastNumber += 1
            state.tries.append(Try(number: state.lastNumber, address: key, time: now))
            return state.lastNumber
        }
    }

    /// Forgets a try that was right.
    func forgive(_ number: UInt64) { state.withLock { $0.tries.removeAll { $0.number == number } } }
}
