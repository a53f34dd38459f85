// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Everything a signer answers: what every answer has, and what the route adds.
public struct PomadeAnswer<Content: Sendable>: Sendable {
    public let ok: Bool
    public let message: String
    public let code: String?
    public let availableAt: Int64?
    /// There when `ok` is true.
    public let content: Content?

    public init(message: String, content: Content) {
        ok = true
        self.message = message
        code = nil
        availableAt = nil
        self.content = content
    }

    public init(_ failure: SignerFailure) {
        ok = false
        message = failure.message
        code = failure.code.rawValue
        availableAt = failure.availableAt
        content = nil
    }

    enum CodingKeys: String, CodingKey {
        case ok, message, code
        case availableAt = "available_at"
    }
}

extension PomadeAnswer: Encodable where Content: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(ok, forKey: .ok)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(availableAt, forKey: .availableAt)
        try content?.encode(to: encoder)
    }
}

extension PomadeAnswer: Decodable where Content: Decodable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        ok = try container.decode(Bool.self, forKey: .ok)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        code = try container.decodeIfPresent(String.self, forKey: .code)
        availableAt = try container.decodeIfPresent(Int64.self, forKey: .availableAt)
        content = ok ? try Content(from: decoder) : nil
    }
}

/// What the routes' answers add.
public enum PomadeContent {
    public struct Nothing: Sendable, Codable {
        public init() {}
    }

    public struct Items: Sendable, Codable {
        public let items: [SessionItem]

        public init(items: [SessionItem]) { self.items = items }
    }

    /// `/login/select`.
    public struct Group: Sendable, Codable {
        public let group: WireGroup

        public init(group: WireGroup) { self.group = group }
    }

    /// `/recovery/select`.
    public struct ShareAndGroup: Sendable, Codable {
        public let share: WireShare
        public let group: WireGroup

        public init(share: WireShare, group: WireGroup) {
            self.share = share
            self.group = group
        }
    }

    public struct Result<Value: Sendable & Codable>: Sendable, Codable {
        public let result: Value

        public init(_ result: Value) { self.result = result }
    }

    /// `/x/commit-batch`.
    public struct Results<Value: Sendable & Codable>: Sendable, Codable {
        public let results: [Value]

        public init(_ results: [Value]) { self.results = results }
    }

    /// `/sign/commit`.
    public struct Commitment: Sendable, Codable {
        public let commitID: Hex32
        public let idx: Int
        public let pubkey: Hex33
        public let hidden: Hex33
        public let binder: Hex33

        enum CodingKeys: String, CodingKey {
            case commitID = "commit_id"
            case idx, pubkey
            case hidden = "hidden_pn"
            case binder = "binder_pn"
        }

        public init(commitID: Hex32, idx: Int, pubkey: Hex33, hidden: Hex33, binder: Hex33) {
            self.commitID = commitID
            self.idx = idx
            self.pubkey = pubkey
            self.hidden = hidden
            self.binder = binder
        }
    }

    /// `/sign/complete`.
    public struct Partial: Sendable, Codable {
        public let idx: Int
        /// The message and the partial signature over it.
        public let psig: [Hex32]
        public let pubkey: Hex33
        public let sid: Hex32

        public init(idx: Int, psig: [Hex32], pubkey: Hex33, sid: Hex32) {
            self.idx = idx
            self.psig = psig
            self.pubkey = pubkey
            self.sid = sid
        }
    }

    /// `/ecdh`.
    public struct KeyExchange: Sendable, Codable {
        public struct Proof: Sendable, Codable {
            public let c: Hex32
            public let z: Hex32

            public init(c: Hex32, z: Hex32) {
                self.c = c
                self.z = z
            }
        }

        public let idx: Int
        public let keyshare: Hex33
        public let members: [Int]
        public let peer: Hex32
        public let proof: Proof?

        enum CodingKeys: String, CodingKey {
            case idx, keyshare, members, proof
            case peer = "ecdh_pk"
        }

        public init(idx: Int, keyshare: Hex33, members: [Int], peer: Hex32, proof: Proof? = nil) {
            self.idx = idx
            self.keyshare = keyshare
            self.members = members
            self.peer = peer
            self.proof = proof
        }
    }
}

/// A session as lists show it; times are Unix seconds.
public struct SessionItem: Sendable, Hashable, Codable {
    /// The user's key.
    public var pubkey: Hex32
    /// The client's key, which is the session's name.
    public var client: Hex32
    public var createdAt: Int64
    public var lastActivity: Int64
    public var threshold: Int
    public var total: Int
    public var idx: Int
    public var email: String?
    public var deactivatedAt: Int64?
    /// Whether the user's key itself has vouched for the registration.
    public var verified: Bool?

    enum CodingKeys: String, CodingKey {
        case pubkey, client, threshold, total, idx, email, verified
        case createdAt = "created_at"
        case lastActivity = "last_activity"
        case deactivatedAt = "deactivated_at"
    }

    public init(
        pubkey: Hex32,
        client: Hex32,
        createdAt: Int64,
        lastActivity: Int64,
        threshold: Int,
        total: Int,
        idx: Int,
        email: String? = nil,
        deactivatedAt: Int64? = nil,
        verified: Bool? = nil
    ) {
        self.pubkey = pubkey
        self.client = client
        self.createdAt = createdAt
        self.lastActivity = lastActivity
        self.threshold = threshold
        self.total = total
        self.idx = idx
        self.email = email
        self.deactivatedAt = deactivatedAt
        self.verified = verified
    }
}
