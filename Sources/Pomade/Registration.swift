// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
public import Nostr

extension PomadeBody {
    /// `/register`.
    public struct Register: Sendable, Codable {
        public let share: WireShare
        public let group: WireGroup
        /// Whether an address may be attached, by which the share can be had back.
        public let recovery: Bool
        /// The user's own key vouching for all this: a NIP-98 event whose payload is ``proofPayload``; ours.
        public let proof: NostrEvent?

        public init(share: WireShare, group: WireGroup, recovery: Bool, proof: NostrEvent? = nil) {
            self.share = share
            self.group = group
            self.recovery = recovery
            self.proof = proof
        }

        /// What a proof has to be about: SHA-256 of the JSON of `group`, `recovery` and `share`, and nothing else.
        ///
        /// Of each object only the members that the protocol names count, in the order of their names, without white
        /// space, hexadecimal in lower case. 32 bytes.
        public var proofPayload: [UInt8] {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let bare = Register(share: share, group: group, recovery: recovery)
            guard let text = try? encoder.encode(bare) else { preconditionFailure("a registration can be written") }
            return Array(SHA256.hash(data: text))
        }
    }
}
