// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Nonces that wait for their signature, in a place that can be shared but emptied only once.
///
/// ``SigningNonces`` cannot be put into arrays or dictionaries; this can. Dropping it overwrites what it holds.
public final class HeldNonces: Sendable {
    /// What to announce.
    public let commitment: SigningCommitment
    private let nonces: Mutex<SigningNonces?>

    public init(_ nonces: consuming SigningNonces) {
        commitment = nonces.commitment
        self.nonces = Mutex(consume nonces)
    }

    /// Takes the nonces out, or returns `nil` for everyone but the first.
    public func take() -> SigningNonces? { nonces.withLock { $0.take() } }
}
