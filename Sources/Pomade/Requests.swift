// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The bodies of a signer's routes; members that are not named here are ignored.
public enum PomadeBody {}

extension PomadeBody {
    /// `/login/select`, `/recovery/select`, `/session/deactivate`, `/session/delete`.
    public struct Selection: Sendable, Codable {
        public let client: Hex32

        public init(client: Hex32) { self.client = client }
    }

    /// `/recovery/setup` and `/x/password/rotate`.
    public struct RecoverySetup: Sendable, Codable {
        /// Exactly as typed: it is hashed as it is.
        public let email: String
        /// 64 digits of lower case.
        public let passwordHash: String

        enum CodingKeys: String, CodingKey {
            case email
            case passwordHash = "password_hash"
        }

        public init(email: String, passwordHash: String) {
            self.email = email
            self.passwordHash = passwordHash
        }
    }

    /// `/challenge`.
    public struct Challenge: Sendable, Codable {
        /// Two digits that the code begins with, by which clients know whose it is.
        public let prefix: String
        public let emailHash: Hex32

        enum CodingKeys: String, CodingKey {
            case prefix
            case emailHash = "email_hash"
        }

        public init(prefix: String, emailHash: Hex32) {
            self.prefix = prefix
            self.emailHash = emailHash
        }
    }

    /// `/login/start` and `/recovery/start`.
    public struct Start: Sendable, Codable {
        public let auth: Credentials

        public init(auth: Credentials) { self.auth = auth }
    }

    /// What a person proves to be the owner of an address with.
    public struct Credentials: Sendable, Codable {
        public enum Secret: Sendable {
            case passwordHash(Hex32)
            case code(String)
        }

        public let emailHash: Hex32
        public let secret: Secret

        /// Whether it is a mailed code.
        package var isCode: Bool {
            if case .code = secret { true } else { false }
        }

        enum CodingKeys: String, CodingKey {
            case emailHash = "email_hash"
            case passwordHash = "password_hash"
            case code = "otp"
        }

        public init(emailHash: Hex32, secret: Secret) {
            self.emailHash = emailHash
            self.secret = secret
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            emailHash = try container.decode(Hex32.self, forKey: .emailHash)
            // Whoever sends both means the password.
            if let hash = try container.decodeIfPresent(Hex32.self, forKey: .passwordHash) {
                secret = .passwordHash(hash)
            } else {
                secret = .code(try container.decode(String.self, forKey: .code))
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(emailHash, forKey: .emailHash)
            switch secret {
            case .passwordHash(let hash): try container.encode(hash, forKey: .passwordHash)
            case .code(let code): try container.encode(code, forKey: .code)
            }
        }
    }

    /// `/sign/commit`.
    public struct Commit: Sendable, Codable {
        public let members: [Int]

        public init(members: [Int]) { self.members = members }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            members = try container.decodeMembers(forKey: .members)
        }
    }

    /// `/x/commit-batch`.
    public struct CommitBatch: Sendable, Codable {
        /// The most commitments of one request.
        public static let maximumCount = 64

        public let members: [Int]
        public let count: Int

        public init(members: [Int], count: Int) {
            self.members = members
            self.count = count
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            members = try container.decodeMembers(forKey: .members)
            count = try container.decode(Int.self, forKey: .count)
        }
    }

    /// A member's fresh nonces.
    public struct Nonces: Sendable, Hashable, Codable {
        public let idx: Int
        public let hidden: Hex33
        public let binder: Hex33

        enum CodingKeys: String, CodingKey {
            case idx
            case hidden = "hidden_pn"
            case binder = "binder_pn"
        }

        public init(idx: Int, hidden: Hex33, binder: Hex33) {
            self.idx = idx
            self.hidden = hidden
            self.binder = binder
        }
    }

    /// What all members of a signing are asked alike.
    public struct SignatureRequest: Sendable, Codable {
        /// The most hashes of one request: the message and nine tweaks.
        public static let maximumHashes = 10

        /// Hexadecimal, or nothing.
        public let content: String?
        /// The message, then x-only tweaks.
        public let hash: [Hex32]
        public let members: [Int]
        public let stamp: Int64
        public let type: String
        public let gid: Hex32
        public let sid: Hex32

        public init(
            content: String?,
            hash: [Hex32],
            members: [Int],
            stamp: Int64,
            type: String,
            gid: Hex32,
            sid: Hex32
        ) {
            self.content = content
            self.hash = hash
            self.members = members
            self.stamp = stamp
            self.type = type
            self.gid = gid
            self.sid = sid
        }

        enum CodingKeys: CodingKey { case content, hash, members, stamp, type, gid, sid }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            content = try container.decodeIfPresent(String.self, forKey: .content)
            hash = try container.decodeList(of: 1...Self.maximumHashes, forKey: .hash)
            members = try container.decodeMembers(forKey: .members)
            stamp = try container.decode(Int64.self, forKey: .stamp)
            type = try container.decode(String.self, forKey: .type)
            gid = try container.decode(Hex32.self, forKey: .gid)
            sid = try container.decode(Hex32.self, forKey: .sid)
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            // The protocol wants the member even when there is nothing.
            try container.encode(content, forKey: .content)
            try container.encode(hash, forKey: .hash)
            try container.encode(members, forKey: .members)
            try container.encode(stamp, forKey: .stamp)
            try container.encode(type, forKey: .type)
            try container.encode(gid, forKey: .gid)
            try container.encode(sid, forKey: .sid)
        }
    }

    /// `/sign/complete`.
    public struct Complete: Sendable, Codable {
        public let commitID: Hex32
        public let request: SignatureRequest
        public let nonces: [Nonces]

        enum CodingKeys: String, CodingKey {
            case commitID = "commit_id"
            case request
            case nonces = "pnonces"
        }

        public init(commitID: Hex32, request: SignatureRequest, nonces: [Nonces]) {
            self.commitID = commitID
            self.request = request
            self.nonces = nonces
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            commitID = try container.decode(Hex32.self, forKey: .commitID)
            request = try container.decode(SignatureRequest.self, forKey: .request)
            nonces = try container.decodeList(of: 1...WireGroup.maximumShares, forKey: .nonces)
        }
    }

    /// `/ecdh`.
    public struct KeyExchange: Sendable, Codable {
        public let idx: Int
        public let members: [Int]
        public let peer: Hex32
        /// Asks for a proof that the answer was made with the registered share.
        public let wantsProof: Bool?

        enum CodingKeys: String, CodingKey {
            case idx, members
            case peer = "ecdh_pk"
            case wantsProof = "dleq"
        }

        public init(idx: Int, members: [Int], peer: Hex32, wantsProof: Bool? = nil) {
            self.idx = idx
            self.members = members
            self.peer = peer
            self.wantsProof = wantsProof
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            idx = try container.decode(Int.self, forKey: .idx)
            members = try container.decodeMembers(forKey: .members)
            peer = try container.decode(Hex32.self, forKey: .peer)
            wantsProof = try container.decodeIfPresent(Bool.self, forKey: .wantsProof)
        }
    }
}

extension KeyedDecodingContainer {
    /// Reads a list and refuses any other number of elements.
    func decodeList<Element: Decodable>(of counts: ClosedRange<Int>, forKey key: Key) throws -> [Element] {
        let list = try decode([Element].self, forKey: key)
        guard counts.contains(list.count) else {
            throw DecodingError.dataCorruptedError(
                forKey: key,
                in: self,
                debugDescription: "expected \(counts.lowerBound) to \(counts.upperBound) elements"
            )
        }
        return list
    }

    func decodeMembers(forKey key: Key) throws -> [Int] {
        try decodeList(of: 1...WireGroup.maximumShares, forKey: key)
    }
}
