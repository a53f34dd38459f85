// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Makes and restores a node's backups, as its administrator asks for them.
public protocol BackupDesk: Sendable {
    /// Makes a backup now.
    ///
    /// - Throws: `PG_DUMP_FAILED`.
    func backup() async throws(KeyShareFailure) -> BackupReceipt

    /// Puts a backup in the place of the live database, after it has been checked beside it.
    ///
    /// - Returns: the name of the file.
    /// - Throws: `INVALID_DUMP_PATH`, `INVALID_DUMP_FILE`, `DUMP_FILE_ACCESS_ERROR`, `DUMP_FILE_NOT_FOUND`,
    ///   `PG_RESTORE_FAILED`.
    func restore(_ path: DumpPath) async throws(KeyShareFailure) -> String

    /// The backups that were made, the newest first.
    ///
    /// - Parameter days: how far back; `nil` for all.
    func history(days: Int?) async throws(KeyShareFailure) -> [BackupRow]

    /// How things stand; never fails.
    func status() async -> BackupStatus

    /// Keeps a backup of another node, which this node cannot read.
    ///
    /// - Parameters:
    ///   - node: whose it is; letters, digits, dots, dashes and underscores.
    ///   - name: of the file; checked as ``DumpPath`` has it.
    ///   - body: the file, piece by piece as it arrives.
    /// - Throws: `INVALID_REQUEST`, `PAYLOAD_TOO_LARGE` beyond the quota of that node.
    func acceptOffsite(
        node: String,
        name: String,
        body: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable
    ) async throws(KeyShareFailure)
}

/// A backup that was made.
public struct BackupReceipt: Sendable, Hashable, Encodable {
    /// A UUID of lower case.
    public let dumpID: String
    /// The name of the file, without its folder.
    public let dumpPath: String
    /// Bytes.
    public let dumpSize: Int64
    /// Milliseconds.
    public let dumpDuration: Int64

    enum CodingKeys: String, CodingKey {
        case dumpID = "dumpId"
        case dumpPath
        case dumpSize
        case dumpDuration
        case snakeID = "dump_id"
        case snakePath = "dump_path"
        case snakeSize = "dump_size"
        case snakeDuration = "dump_duration"
    }

    public init(dumpID: String, dumpPath: String, dumpSize: Int64, dumpDuration: Int64) {
        self.dumpID = dumpID
        self.dumpPath = dumpPath
        self.dumpSize = dumpSize
        self.dumpDuration = dumpDuration
    }

    /// Both spellings: programs of operators know one or the other.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(dumpID, forKey: .dumpID)
        try container.encode(dumpPath, forKey: .dumpPath)
        try container.encode(dumpSize, forKey: .dumpSize)
        try container.encode(dumpDuration, forKey: .dumpDuration)
        try container.encode(dumpID, forKey: .snakeID)
        try container.encode(dumpPath, forKey: .snakePath)
        try container.encode(dumpSize, forKey: .snakeSize)
        try container.encode(dumpDuration, forKey: .snakeDuration)
    }
}

/// A backup in the history.
public struct BackupRow: Sendable, Hashable, Codable {
    /// What became of it.
    public enum State: String, Sendable, Hashable, Codable {
        case inProgress = "IN_PROGRESS"
        case completed = "COMPLETED"
        case failed = "FAILED"
        case deleted = "DELETED"
    }

    /// What is known of the file.
    public struct Meta: Sendable, Hashable, Codable {
        /// Milliseconds.
        public var dumpDuration: Int64?
        /// Bytes.
        public var dumpSize: Int64?
        /// Hexadecimal.
        public var sha256: String?
        /// Why it failed, in words that name no path.
        public var error: String?

        enum CodingKeys: String, CodingKey {
            case dumpDuration = "dump_duration"
            case dumpSize = "dump_size"
            case sha256
            case error
        }

        public init(
            dumpDuration: Int64? = nil,
            dumpSize: Int64? = nil,
            sha256: String? = nil,
            error: String? = nil
        ) {
            self.dumpDuration = dumpDuration
            self.dumpSize = dumpSize
            self.sha256 = sha256
            self.error = error
        }
    }

    /// A copy elsewhere.
    public struct Copy: Sendable, Hashable, Codable {
        /// Scheme and host, or scheme and folder; no password.
        public let target: String
        public let status: String
        public let error: String?

        public init(target: String, status: String, error: String?) {
            self.target = target
            self.status = status
            self.error = error
        }
    }

    /// A UUID of lower case.
    public let dumpID: String
    public let status: State
    /// The name of the file; `nil` before it has one.
    public let dumpPath: String?
    public let meta: Meta
    /// Copies elsewhere, in the order of their making.
    public let copies: [Copy]
    /// UTC with milliseconds, ISO 8601.
    public let createdAt, updatedAt: String

    enum CodingKeys: String, CodingKey {
        case dumpID = "dump_id"
        case status
        case dumpPath = "dump_path"
        case meta
        case copies
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    public init(
        dumpID: String,
        status: State,
        dumpPath: String?,
        meta: Meta,
        copies: [Copy] = [],
        createdAt: String,
        updatedAt: String
    ) {
        self.dumpID = dumpID
        self.status = status
        self.dumpPath = dumpPath
        self.meta = meta
        self.copies = copies
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// How a node's backups stand, for `/status` and metrics.
public struct BackupStatus: Sendable, Hashable {
    /// A restore that was tried out.
    public struct Drill: Sendable, Hashable {
        /// UTC with milliseconds, ISO 8601.
        public let at: String
        public let isOK: Bool

        public init(at: String, isOK: Bool) {
            self.at = at
            self.isOK = isOK
        }
    }

    /// When the newest good backup was finished: UTC with milliseconds, ISO 8601.
    public var lastOK: String?
    /// The same in Unix seconds.
    public var lastOKSeconds: Int64?
    /// Bytes of the newest good backup.
    public var lastSize: Int64?
    public var lastDrill: Drill?
    /// `off`, `ok`, `pending` or `failed`.
    public var offsite = "off"
    /// Unix seconds of the newest good copy elsewhere.
    public var offsiteSeconds: Int64?
    /// Whether backups are made and the newest could be read back.
    public var isChecked = false
    /// The version of the program that makes them; `nil` when there is none.
    public var dumpProgramVersion: String?

    public init() {}
}
