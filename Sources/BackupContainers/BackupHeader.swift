// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import FoundationEssentials

/// What a backup says about itself; readable without a key, and authenticated by every chunk.
public struct BackupMetadata: Sendable, Hashable, Codable {
    /// The name of the node that made it.
    public var node: String
    public var dumpID: UUID
    /// UTC, as RFC 3339 with milliseconds.
    public var createdAt: String
    public var schemaVersion: Int
    /// The epoch of the keys that wrap the shares inside.
    public var keyEpoch: UInt32
    /// Rows of each table, to be compared after a restore.
    public var rows: [String: Int64]?
    /// The backup's key, sealed for each recipient; absent when the key comes from the node's root secret.
    public var recipients: [SealedBackupKey]?
    /// Beside recipients, whose public keys anybody may know: shows that a node with the root secret chose the backup's key.
    var origin: String?

    enum CodingKeys: String, CodingKey {
        case node
        case dumpID = "dump_id"
        case createdAt = "created_at"
        case schemaVersion = "schema_version"
        case keyEpoch = "kek_epoch"
        case rows
        case recipients
        case origin
    }

    public init(
        node: String,
        dumpID: UUID,
        createdAt: String,
        schemaVersion: Int,
        keyEpoch: UInt32,
        rows: [String: Int64]? = nil
    ) {
        self.node = node
        self.dumpID = dumpID
        self.createdAt = createdAt
        self.schemaVersion = schemaVersion
        self.keyEpoch = keyEpoch
        self.rows = rows
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        node = try container.decode(String.self, forKey: .node)
        dumpID = try container.decode(UUID.self, forKey: .dumpID)
        createdAt = try container.decode(String.self, forKey: .createdAt)
        schemaVersion = try container.decode(Int.self, forKey: .schemaVersion)
        keyEpoch = try container.decode(UInt32.self, forKey: .keyEpoch)
        rows = try container.decodeIfPresent([String: Int64].self, forKey: .rows)
        recipients = try container.decodeIfPresent([SealedBackupKey].self, forKey: .recipients)
        origin = try container.decodeIfPresent(String.self, forKey: .origin)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(node, forKey: .node)
        try container.encode(dumpID.uuidString.lowercased(), forKey: .dumpID)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(schemaVersion, forKey: .schemaVersion)
        try container.encode(keyEpoch, forKey: .keyEpoch)
        try container.encodeIfPresent(rows, forKey: .rows)
        try container.encodeIfPresent(recipients, forKey: .recipients)
        try container.encodeIfPresent(origin, forKey: .origin)
    }

    /// JSON with sorted members.
    var json: [UInt8] {
        get throws(BackupError) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            guard let data = try? encoder.encode(self) else { throw .malformed }
            return Array(data)
        }
    }

    init(json: [UInt8]) throws(BackupError) {
        guard JSONNesting.isShallow(json, limit: 4),
            let metadata = try? JSONDecoder().decode(BackupMetadata.self, from: Data(json))
        else { throw .malformed }
        self = metadata
    }
}

/// The head of a container.
///
/// ```
/// "AKB1" 01 01 | chunk size u32be | salt 32 | nonce prefix 7 | metadata length u16be | metadata
/// ```
public struct BackupHeader: Sendable, Hashable {
    static let mark: [UInt8] = Array("AKB1".utf8) + [1, 1]
    private static let fixedCount = 6 + 4 + 32 + 7 + 2
    /// Bytes of plain text in a chunk of what this program writes, and the most in what it reads.
    public static let chunkSize = 65_536
    /// The most bytes of a header.
    public static let maximumCount = fixedCount + 65_535

    public let metadata: BackupMetadata
    let chunkSize: Int
    let salt: [UInt8]
    let noncePrefix: [UInt8]
    /// As it stands in the file.
    public let bytes: [UInt8]

    init(metadata: [UInt8], chunkSize: Int, salt: [UInt8], noncePrefix: [UInt8]) throws(BackupError) {
        guard let count = UInt16(exactly: metadata.count) else { throw .metadataTooLarge }
        self.metadata = try BackupMetadata(json: metadata)
        self.chunkSize = chunkSize
        self.salt = salt
        self.noncePrefix = noncePrefix
        bytes = Self.mark + bigEndian(UInt32(chunkSize)) + salt + noncePrefix + bigEndian(count) + metadata
    }

    /// Reads the head from the beginning of a file.
    ///
    /// - Returns: `nil` when more bytes are needed; the container's chunks begin after ``bytes``.
    /// - Throws: `.malformed`.
    public static func parse(_ start: some RandomAccessCollection<UInt8>) throws(BackupError) -> BackupHeader? {
        let head = Array(start.prefix(maximumCount))
        guard head.prefix(mark.count).elementsEqual(mark.prefix(head.count)) else { throw .malformed }
        guard head.count >= fixedCount else { return nil }
        let chunkSize = head[6..<10].reduce(0) { $0 << 8 | Int($1) }
        guard (1...Self.chunkSize).contains(chunkSize) else { throw .malformed }
        let metadataCount = Int(head[49]) << 8 | Int(head[50])
        guard head.count >= fixedCount + metadataCount else { return nil }
        return try BackupHeader(
            metadata: Array(head[fixedCount..<(fixedCount + metadataCount)]),
            chunkSize: chunkSize,
            salt: Array(head[10..<42]),
            noncePrefix: Array(head[42..<49])
        )
    }
}

func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}
