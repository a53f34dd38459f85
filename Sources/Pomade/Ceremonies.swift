// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// What several signers do together, with the client as their messenger: `/x/dkg` and `/x/repair`.

extension PomadeBody {
    /// A signer taking part, and its identity as its `/x/info` tells.
    public struct Participant: Sendable, Hashable, Codable {
        public let idx: Int
        public let identity: Hex32

        public init(idx: Int, identity: Hex32) {
            self.idx = idx
            self.identity = identity
        }
    }

    /// Something that one signer has for another, which the messenger cannot read (NIP-44 between their identities).
    public struct SealedPart: Sendable, Hashable, Codable {
        /// The number of the one at the other end: who it is for in an answer, who it is from in a request.
        public let idx: Int
        public let payload: String

        public init(idx: Int, payload: String) {
            self.idx = idx
            self.payload = payload
        }
    }

    /// `/x/dkg`: signers make a key together that nobody ever holds.
    public enum KeyGeneration: Sendable, Codable {
        /// Draws this signer's part of the key.
        public struct Begin: Sendable, Codable {
            /// The signer's number.
            public let idx: Int
            public let threshold: Int
            /// Whether an address may be attached to the session, by which the key can be had back.
            public let recovery: Bool
            /// All that take part, this signer among them.
            public let participants: [Participant]

            public init(idx: Int, threshold: Int, recovery: Bool, participants: [Participant]) {
                self.idx = idx
                self.threshold = threshold
                self.recovery = recovery
                self.participants = participants
            }

            public init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                idx = try container.decode(Int.self, forKey: .idx)
                threshold = try container.decode(Int.self, forKey: .threshold)
                recovery = try container.decode(Bool.self, forKey: .recovery)
                participants = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .participants)
            }

            enum CodingKeys: CodingKey { case idx, threshold, recovery, participants }
        }

        /// Tells what all have announced, and asks for the others' shares.
        public struct Share: Sendable, Codable {
            public let announcements: [GenerationAnnouncement]

            public init(announcements: [GenerationAnnouncement]) { self.announcements = announcements }

            public init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                announcements = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .announcements)
            }

            enum CodingKeys: CodingKey { case announcements }
        }

        /// Brings the shares that the others have for this signer.
        public struct Finish: Sendable, Codable {
            public let shares: [SealedPart]

            public init(shares: [SealedPart]) { self.shares = shares }

            public init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                shares = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .shares)
            }

            enum CodingKeys: CodingKey { case shares }
        }

        case begin(Begin)
        case share(Share)
        case finish(Finish)

        private enum Step: String, Codable { case begin, share, finish }
        private enum CodingKeys: CodingKey { case step }

        public init(from decoder: any Decoder) throws {
            switch try decoder.container(keyedBy: CodingKeys.self).decode(Step.self, forKey: .step) {
            case .begin: self = .begin(try Begin(from: decoder))
            case .share: self = .share(try Share(from: decoder))
            case .finish: self = .finish(try Finish(from: decoder))
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch self {
            case .begin(let body):
                try container.encode(Step.begin, forKey: .step)
                try body.encode(to: encoder)
            case .share(let body):
                try container.encode(Step.share, forKey: .step)
                try body.encode(to: encoder)
            case .finish(let body):
                try container.encode(Step.finish, forKey: .step)
                try body.encode(to: encoder)
            }
        }
    }

    /// `/x/repair`: members make a lost share again, for a signer that they know.
    public enum Repair: Sendable, Codable {
        /// To a helper: splits its part.
        public struct Begin: Sendable, Codable {
            public let target: Participant
            /// All helpers, this signer among them.
            public let helpers: [Participant]

            public init(target: Participant, helpers: [Participant]) {
                self.target = target
                self.helpers = helpers
            }

            public init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                target = try container.decode(Participant.self, forKey: .target)
                helpers = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .helpers)
            }

            enum CodingKeys: CodingKey { case target, helpers }
        }

        /// To a helper: brings what the other helpers have for it.
        public struct Sum: Sendable, Codable {
            public let deltas: [SealedPart]

            public init(deltas: [SealedPart]) { self.deltas = deltas }

            public init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                deltas = try container.decodeList(of: 0...WireGroup.maximumShares, forKey: .deltas)
            }

            enum CodingKeys: CodingKey { case deltas }
        }

        /// To the signer that gets the share.
        public struct Take: Sendable, Codable {
            public let group: WireGroup
            /// Whose share it is.
            public let idx: Int
            public let helpers: [Participant]
            public let sums: [SealedPart]

            public init(group: WireGroup, idx: Int, helpers: [Participant], sums: [SealedPart]) {
                self.group = group
                self.idx = idx
                self.helpers = helpers
                self.sums = sums
            }

            public init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                group = try container.decode(WireGroup.self, forKey: .group)
                idx = try container.decode(Int.self, forKey: .idx)
                helpers = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .helpers)
                sums = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .sums)
            }

            enum CodingKeys: CodingKey { case group, idx, helpers, sums }
        }

        case begin(Begin)
        case sum(Sum)
        case take(Take)

        private enum Step: String, Codable { case begin, sum, take }
        private enum CodingKeys: CodingKey { case step }

        public init(from decoder: any Decoder) throws {
            switch try decoder.container(keyedBy: CodingKeys.self).decode(Step.self, forKey: .step) {
            case .begin: self = .begin(try Begin(from: decoder))
            case .sum: self = .sum(try Sum(from: decoder))
            case .take: self = .take(try Take(from: decoder))
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            switch self {
            case .begin(let body):
                try container.encode(Step.begin, forKey: .step)
                try body.encode(to: encoder)
            case .sum(let body):
                try container.encode(Step.sum, forKey: .step)
                try body.encode(to: encoder)
            case .take(let body):
                try container.encode(Step.take, forKey: .step)
                try body.encode(to: encoder)
            }
        }
    }
}

extension PomadeContent {
    /// `/x/dkg`, step `begin`.
    public struct GenerationBegun: Sendable, Codable {
        public let announcement: PomadeBody.GenerationAnnouncement

        public init(announcement: PomadeBody.GenerationAnnouncement) { self.announcement = announcement }
    }

    /// `/x/dkg`, step `share`.
    public struct GenerationShares: Sendable, Codable {
        /// One for each other signer.
        public let shares: [PomadeBody.SealedPart]
        /// The hash of all announcements.
        public let transcript: Hex32

        public init(shares: [PomadeBody.SealedPart], transcript: Hex32) {
            self.shares = shares
            self.transcript = transcript
        }
    }

    /// `/x/repair`, step `begin`.
    public struct RepairDeltas: Sendable, Codable {
        /// One for each other helper.
        public let deltas: [PomadeBody.SealedPart]

        public init(deltas: [PomadeBody.SealedPart]) { self.deltas = deltas }
    }

    /// `/x/repair`, step `sum`.
    public struct RepairSum: Sendable, Codable {
        /// For the signer that gets the share.
        public let sum: PomadeBody.SealedPart

        public init(sum: PomadeBody.SealedPart) { self.sum = sum }
    }
}
