// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FROST
internal import Secp256k1

extension PomadeBody {
    /// `/x/refresh/stage`: new shares of the same key, dealt by the client.
    public struct RefreshStage: Sendable, Codable {
        /// What this signer adds to its share.
        public struct Delta: Sendable, Codable, CustomStringConvertible {
            public let idx: Int
            public let delta: Hex32

            public init(idx: Int, delta: Hex32) {
                self.idx = idx
                self.delta = delta
            }

            /// Says whose it is, never what.
            public var description: String { "delta of share \(idx)" }
        }

        /// The group with its new public shares and another id.
        public let group: WireGroup
        public let delta: Delta
        /// The dealer's coefficients times G, from the first degree upwards.
        public let commitments: [Hex33]

        public init(group: WireGroup, delta: Delta, commitments: [Hex33]) {
            self.group = group
            self.delta = delta
            self.commitments = commitments
        }

        enum CodingKeys: CodingKey { case group, delta, commitments }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            group = try container.decode(WireGroup.self, forKey: .group)
            delta = try container.decode(Delta.self, forKey: .delta)
            commitments = try container.decodeList(of: 0...WireGroup.maximumShares, forKey: .commitments)
        }
    }

    /// `/x/refresh/commit`: changes to the staged share.
    public struct RefreshCommit: Sendable, Codable {
        /// The new group's id.
        public let gid: Hex32

        public init(gid: Hex32) { self.gid = gid }
    }

    /// What a participant of a key generation tells all others first.
    public struct GenerationAnnouncement: Sendable, Hashable, Codable {
        public let idx: Int
        /// The coefficients times G, from the constant upwards.
        public let commitments: [Hex33]
        public let proof: HexBytes<65>

        enum CodingKeys: CodingKey { case idx, commitments, proof }

        public init(_ announcement: KeyGenerationAnnouncement) throws(FROSTError) {
            let points = [announcement.commitment.constant] + announcement.commitment.rest.map(Optional.some)
            guard let proof = HexBytes<65>(announcement.proof) else {
                throw FROSTError.invalidProof(announcement.sender)
            }
            idx = Int(announcement.sender.number)
            commitments = points.compactMap { $0.map { HexBytes(certain: $0.compressed) } }
            self.proof = proof
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            idx = try container.decode(Int.self, forKey: .idx)
            commitments = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .commitments)
            proof = try container.decode(HexBytes<65>.self, forKey: .proof)
        }

        /// The announcement, or `nil` when its parts are no points or its number is none of a group's.
        public var announcement: KeyGenerationAnnouncement? {
            let points = commitments.compactMap { Point($0.bytes) }
            guard let sender = Identifier(idx), sender.number <= 255, points.count == commitments.count,
                let constant = points.first
            else { return nil }
            return KeyGenerationAnnouncement(
                sender: sender,
                commitment: SharingCommitment(constant: constant, rest: Array(points.dropFirst())),
                proof: proof.bytes
            )
        }
    }
}
