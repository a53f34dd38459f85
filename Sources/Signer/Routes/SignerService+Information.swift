// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import LightningPrimitives
internal import Nostr
public import Pomade
internal import SealedRecords

extension SignerService {
    /// `/x/info`: who the signer is and what it asks for, signed by its identity.
    ///
    /// - Throws: `internal`.
    public func info() throws(SignerFailure) -> PomadeContent.Info {
        let statement = PomadeContent.Info.Statement(
            url: configuration.url,
            aliases: configuration.aliases,
            version: configuration.version,
            time: now(),
            limits: PomadeContent.Info.Limits(
                registrationWork: configuration.registrationWork,
                minimumThreshold: configuration.minimumThreshold,
                maximumTweaks: configuration.maximumTweaks,
                recoveryDelay: configuration.recoveryDelay,
                idleLimit: configuration.idleLimit,
                retention: configuration.retention,
                sessionsPerUser: configuration.sessionsPerUser,
                hashingMemory: configuration.hashingMemory
            )
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let text = String(decoding: try encoder.encode(statement), as: UTF8.self)
            let key = NostrKey(keys.identity)
            let event = UnsignedEvent(
                key: key,
                createdAt: statement.time,
                kind: PomadeContent.Info.eventKind,
                content: text
            ).signed(by: keys.identity)
            return PomadeContent.Info(pubkey: Hex32(certain: key.bytes), statement: statement, event: event)
        } catch { throw failure(error) }
    }
}
