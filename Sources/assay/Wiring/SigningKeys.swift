// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crawler
import Foundation
import LightningPrimitives
import Logging
import Nostr
import Postgres
import PurchaseReceipts
import Secp256k1
import Settings
import TimeArchive
import TimeStamping

/// The keys this service signs with: held here, or by several signers together.
enum SigningKeys {
    /// Signs receipts; `nil` leaves answers unsigned.
    static func receipts(_ settings: Settings) throws -> (any SchnorrSigner)? {
        try key(settings, .receiptKey, .receiptGroup)
    }

    /// Signs for scores; `nil` leaves them without.
    static func oracle(_ settings: Settings) throws -> (any SchnorrSigner)? {
        try key(settings, .oracleKey, .oracleGroup)
    }

    /// The oracle's public key, for the processes that do not sign with it.
    static func oraclePublicKey(_ settings: Settings) throws -> NostrKey? {
        guard let text = settings.text(.oraclePublicKey) else { return nil }
        guard let key = NostrKey(lowercaseHex: text) ?? (try? NostrKey(npub: text)) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.oraclePublicKey.name) is neither npub1… nor 64 hex digits"
            )
        }
        return key
    }

    private static func key(_ settings: Settings, _ held: Setting, _ group: Setting) throws -> (any SchnorrSigner)? {
        let text = settings.secret(held)?.text
        if let path = settings.text(group) {
            guard text == nil else {
                throw Failure(Failure.configuration, "\(held.name) and \(group.name) exclude each other; set one")
            }
            return try threshold(path, group)
        }
        guard let text else { return nil }
        guard let key = Hex.decode(text).flatMap({ SecretKey($0) }) ?? (try? SecretKey(nsec: text)) else {
            throw Failure(
                Failure.configuration,
                "\(held.name) is not a secret key of 64 hex digits; make one: openssl rand -hex 32"
            )
        }
        return HeldKey(key)
    }

    private static func threshold(_ path: String, _ setting: Setting) throws -> any SchnorrSigner {
        throw Failure(Failure.configuration, "\(setting.name): not yet")
    }
}

extension Job {
    /// Signs for the scores that were stamped since the last time.
    static func scoreAttestation(_ signer: any SchnorrSigner) -> Job {
        let attestor = ScoreAttestor(signer: signer)
        return Job(name: "score_attestation", interval: .seconds(10), timeout: .seconds(120)) { context in
            let count = try await attestor.attest(in: context.session)
            if count > 0 { context.logger.debug("signed for stamped scores", metadata: ["time.stamps": "\(count)"]) }
        }
    }
}
