// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import L402
internal import Synchronization

/// The key ring in force; it may be replaced at any time.
final class RingBox: Sendable {
    private let ring: Mutex<KeyRing>

    init(_ ring: KeyRing) { self.ring = Mutex(ring) }

    var current: KeyRing { ring.withLock { $0 } }

    func replace(with ring: KeyRing) { self.ring.withLock { $0 = ring } }
}
