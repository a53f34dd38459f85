// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime
internal import Synchronization

/// The identity that signs now; replaced as a whole.
///
/// Workers look at a number that changes with every replacement, and take the lock only when it did.
public final class IdentityHolder: Sendable {
    private let state: Mutex<OnlineIdentity?>
    private let generation = Atomic<UInt64>(1)

    public init(_ identity: OnlineIdentity? = nil) {
        state = Mutex(identity)
    }

    public var identity: OnlineIdentity? { state.withLock { $0 } }

    public func replace(_ identity: OnlineIdentity) {
        state.withLock { $0 = identity }
        generation.wrappingAdd(1, ordering: .releasing)
    }

    /// Brings a worker's copy up to date.
    @inline(__always)
    func refresh(_ copy: inout [OnlineIdentity?], _ seen: inout UInt64) {
        let current = generation.load(ordering: .acquiring)
        guard current != seen else { return }
        seen = current
        copy = [identity]
    }
}
