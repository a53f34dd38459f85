// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Nostr

// Bodies and answers of the routes below /x/, which are ours.

extension PomadeBody {
    /// `/x/policy`.
    public struct PolicyChange: Sendable, Codable {
        public let client: Hex32
        /// Takes the place of the whole policy before.
        public let policy: SessionPolicy

        public init(client: Hex32, policy: SessionPolicy) {
            self.client = client
            self.policy = policy
        }
    }

    /// `/x/password/rotate`.
    public struct PasswordRotation: Sendable, Codable {
        /// The password that held, or a mailed code.
        public let auth: Credentials
        /// The new one.
        public let passwordHash: Hex32

        enum CodingKeys: String, CodingKey {
            case auth
            case passwordHash = "password_hash"
        }

        public init(auth: Credentials, passwordHash: Hex32) {
            self.auth = auth
            self.passwordHash = passwordHash
        }
    }
}

extension PomadeContent {
    /// `/x/audit`: links of a chain, oldest first.
    public struct Audit: Sendable, Codable {
        public struct Entry: Sendable, Codable, Hashable {
            public let seq: Int64
            /// Unix seconds.
            public let time: Int64
            /// The session it was about, or zeros.
            public let session: Hex32
            public let action: String
            /// Stands for the request's body, which only the signer can recognise by it.
            public let digest: Hex32
            /// The hash of the entry before; zeros for the first.
            public let prev: Hex32
            /// SHA-256 of prev, seq and time (8 bytes each, big-endian), session, digest and the action's letters.
            public let hash: Hex32

            public init(
                seq: Int64,
                time: Int64,
                session: Hex32,
                action: String,
                digest: Hex32,
                prev: Hex32,
                hash: Hex32
            ) {
                self.seq = seq
                self.time = time
                self.session = session
                self.action = action
                self.digest = digest
                self.prev = prev
                self.hash = hash
            }
        }

        public let entries: [Entry]
        /// The hash of the last entry.
        public let head: Hex32?

        public init(entries: [Entry], head: Hex32?) {
            self.entries = entries
            self.head = head
        }
    }

    /// `/x/password/rotate`: how many sessions have the new password.
    public struct PasswordRotation: Sendable, Codable {
        public let sessions: Int

        public init(sessions: Int) { self.sessions = sessions }
    }

    /// `/x/recovery/cancel`: how many shares somebody was about to recover.
    public struct Cancellation: Sendable, Codable {
        public let cancelled: Int

        public init(cancelled: Int) { self.cancelled = cancelled }
    }

    /// `/x/info`: who the signer is.
    public struct Info: Sendable, Codable {
        /// What the signer says of itself; the content of ``event`` as JSON.
        public struct Statement: Sendable, Codable, Hashable {
            public let url: String
            public let aliases: [String]
            public let version: String
            /// Unix seconds.
            public let time: Int64
            public let limits: Limits

            public init(url: String, aliases: [String], version: String, time: Int64, limits: Limits) {
                self.url = url
                self.aliases = aliases
                self.version = version
                self.time = time
                self.limits = limits
            }
        }

        public struct Limits: Sendable, Codable, Hashable {
            /// Leading zero bits of a registration's event.
            public let registrationWork: Int
            public let minimumThreshold: Int
            public let maximumTweaks: Int
            /// Seconds.
            public let recoveryDelay: Int64
            /// Seconds.
            public let idleLimit: Int64
            /// Seconds.
            public let retention: Int64
            public let sessionsPerUser: Int
            /// Memory for hashing passwords and addresses, KiB: less than the protocol's 65,536 in tests only.
            public let hashingMemory: Int?

            enum CodingKeys: String, CodingKey {
                case registrationWork = "register_pow"
                case minimumThreshold = "min_threshold"
                case maximumTweaks = "max_tweaks"
                case recoveryDelay = "recovery_delay"
                case idleLimit = "session_idle"
                case retention = "share_retention"
                case sessionsPerUser = "max_sessions_per_user"
                case hashingMemory = "argon2_memory_kib"
            }

            public init(
                registrationWork: Int,
                minimumThreshold: Int,
                maximumTweaks: Int,
                recoveryDelay: Int64,
                idleLimit: Int64,
                retention: Int64,
                sessionsPerUser: Int,
                hashingMemory: Int
            ) {
                self.registrationWork = registrationWork
                self.minimumThreshold = minimumThreshold
                self.maximumTweaks = maximumTweaks
                self.recoveryDelay = recoveryDelay
                self.idleLimit = idleLimit
                self.retention = retention
                self.sessionsPerUser = sessionsPerUser
                self.hashingMemory = hashingMemory
            }
        }

        /// The kind of the event: ephemeral, and no authorisation of anything.
        public static let eventKind: UInt16 = 20_284

        public let pubkey: Hex32
        public let statement: Statement
        /// The statement, signed by the signer's identity key.
        public let event: NostrEvent

        public init(pubkey: Hex32, statement: Statement, event: NostrEvent) {
            self.pubkey = pubkey
            self.statement = statement
            self.event = event
        }

        enum CodingKeys: String, CodingKey { case pubkey, event, url, aliases, version, time, limits }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            pubkey = try container.decode(Hex32.self, forKey: .pubkey)
            event = try container.decode(NostrEvent.self, forKey: .event)
            statement = try Statement(from: decoder)
        }

        public func encode(to encoder: any Encoder) throws {
            try statement.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(pubkey, forKey: .pubkey)
            try container.encode(event, forKey: .event)
        }
    }
}
