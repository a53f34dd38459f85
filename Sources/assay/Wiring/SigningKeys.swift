// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crawler
import Foundation
import LightningPrimitives
import Logging
import Nostr
import PomadeClient
import Postgres
import PurchaseReceipts
import Secp256k1
import ServiceLifecycle
import Settings
import TimeArchive
import TimeStamping

/// The keys this service signs with: held here, or by several signers together.
enum SigningKeys {
    /// Signs receipts; `nil` leaves answers unsigned.
    static func receipts(_ settings: Settings, logger: Logger) throws -> (any SchnorrSigner)? {
        // A payer waits for the receipt.
        try key(settings, .receiptKey, .receiptGroup, ready: 64, logger)
    }

    /// Signs for scores; `nil` leaves them without.
    static func oracle(_ settings: Settings, logger: Logger) throws -> (any SchnorrSigner)? {
        try key(settings, .oracleKey, .oracleGroup, ready: 0, logger)
    }

    /// What has to run for the keys.
    static func services(_ keys: [(any SchnorrSigner)?]) -> [any Service] { keys.compactMap { $0 as? any Service } }

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

    /// Whether only its owner can read a file: who reads the state of a group's client signs with the group.
    static func isPrivate(_ path: String) -> Bool {
        let mode = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        return (mode?.intValue ?? 0) & 0o077 == 0
    }

    private static func key(
        _ settings: Settings,
        _ held: Setting,
        _ group: Setting,
        ready: Int,
        _ logger: Logger
    ) throws -> (any SchnorrSigner)? {
        let text = settings.secret(held)?.text
        if let path = settings.text(group) {
            guard text == nil else {
                throw Failure(Failure.configuration, "\(held.name) and \(group.name) exclude each other; set one")
            }
            return try threshold(path, group, ready: ready, logger)
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

    private static func threshold(
        _ path: String,
        _ setting: Setting,
        ready: Int,
        _ logger: Logger
    ) throws -> any SchnorrSigner {
        guard let json = FileManager.default.contents(atPath: path) else {
            throw Failure(
                Failure.configuration,
                "\(setting.name): \(path) cannot be read; 'assay frost deal' makes it, and this user has to own it"
            )
        }
        guard isPrivate(path) else {
            throw Failure(
                Failure.configuration,
                "\(setting.name): \(path) can be read by others; run: chmod 600 \(path)"
            )
        }
        do {
            return JointKey(try ThresholdSigner(ClientState(json: Array(json))), ready: ready, logger: logger)
        } catch {
            throw Failure(Failure.configuration, "\(setting.name): \(path): \(error)")
        }
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
