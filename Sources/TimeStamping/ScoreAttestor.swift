// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import LightningPrimitives
internal import Metrics
internal import Nostr
public import Postgres
public import Secp256k1
internal import TimeArchive

/// Signs for stamped scores with the oracle's key, which several hosts may hold together.
public struct ScoreAttestor: Sendable {
    /// Stamps of one round; more wait only after a long absence of the signers, and the newest come first.
    public static let perRound = 32

    private let signer: any SchnorrSigner
    private let now: @Sendable () -> Int64

    /// Takes who signs.
    ///
    /// - Parameter now: Unix seconds; the system clock's when `nil`.
    public init(
        signer: any SchnorrSigner,
        now: (@Sendable () -> Int64)? = nil
    ) {
        self.signer = signer
        self.now = now ?? { Int64(Date().timeIntervalSince1970) }
    }

    /// Signs for the stamps that nobody has signed for yet.
    ///
    /// - Returns: how many there were.
    /// - Throws: the signer's error, with what was signed before it kept.
    @discardableResult
    public func attest(in session: PostgresSession) async throws -> Int {
        guard let key = NostrKey(signer.publicKey.bytes) else { return 0 }
        let stamps = try await ScoreArchive.unattested(atMost: Self.perRound, in: session)
        for stamp in stamps {
            let event = ScoreAttestation.event(root: stamp.root, scores: stamp.scores, key: key, time: now())
            let signed = try event.attaching(try await signer.signature(over: event.digest))
            try await ScoreArchive.attest(stamp.stamp, with: signed.json, in: session)
            Counter(label: "score_attestations_total").increment()
        }
        return stamps.count
    }
}
