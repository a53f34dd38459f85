// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials

/// Writes a container piece by piece; never more than a chunk waits in memory.
///
/// Write ``header`` first, then what ``append(_:)`` returns, then what ``finish()`` returns. A container without its end
/// is refused by every reader.
public struct BackupWriter: Sendable {
    public let header: BackupHeader
    private var chunks: ChunkCipher
    private var pending: [UInt8] = []

    /// Begins a backup that the node's own key opens.
    public init(_ metadata: BackupMetadata, key: BackupKey) throws(BackupError) {
        try self.init(metadata.json, key: key, salt: randomBytes(32), noncePrefix: randomBytes(7))
    }

    /// Begins a backup with a key of its own, which only the recipients can open.
    ///
    /// - Parameter node: the key of the node's root secret, which shows who made the backup.
    /// - Precondition: there is a recipient.
    public init(
        _ metadata: BackupMetadata,
        recipients: [BackupRecipient],
        node: BackupKey
    ) throws(BackupError) {
        precondition(!recipients.isEmpty, "nobody could open it")
        let (key, salt) = (SymmetricKey(size: .bits256), randomBytes(32))
        var metadata = metadata
        var sealed: [SealedBackupKey] = []
        for recipient in recipients { sealed.append(try recipient.seal(key, salt: salt)) }
        metadata.recipients = sealed
        metadata.origin = Hex.encode(Array(node.origin(of: BackupKey(key), salt: salt)))
        try self.init(metadata.json, key: BackupKey(key), salt: salt, noncePrefix: randomBytes(7))
    }

    init(
        _ metadata: [UInt8],
        key: BackupKey,
        salt: [UInt8],
        noncePrefix: [UInt8],
        chunkSize: Int = BackupHeader.chunkSize
    ) throws(BackupError) {
        header = try BackupHeader(metadata: metadata, chunkSize: chunkSize, salt: salt, noncePrefix: noncePrefix)
        chunks = ChunkCipher(header: header, key: key)
    }

    /// Takes plain bytes and returns the chunks that are full.
    public mutating func append(_ bytes: some Collection<UInt8>) throws(BackupError) -> [UInt8] {
        pending.append(contentsOf: bytes)
        var (sealed, start): ([UInt8], Int) = ([], 0)
        // A full chunk waits until there is more, since the last one is marked.
        while pending.count - start > header.chunkSize {
            sealed += try chunks.seal(pending[start..<(start + header.chunkSize)], isLast: false)
            start += header.chunkSize
        }
        pending.removeFirst(start)
        return sealed
    }

    /// Ends the container and returns its last chunk.
    public mutating func finish() throws(BackupError) -> [UInt8] {
        defer { pending = [] }
        return try chunks.seal(pending[...], isLast: true)
    }
}

/// Reads a container piece by piece.
///
/// Nothing that ``append(_:)`` returned may be relied on before ``finish()`` has returned: only then is it known that the
/// container is whole.
public struct BackupReader: Sendable {
    private let chunkSize: Int
    private var chunks: ChunkCipher
    private var pending: [UInt8] = []

    public init(_ header: BackupHeader, key: BackupKey) {
        chunkSize = header.chunkSize
        chunks = ChunkCipher(header: header, key: key)
    }

    /// Takes bytes that follow the header and returns what the full chunks hold.
    ///
    /// - Throws: `.forged`; the reader is of no further use then.
    public mutating func append(_ bytes: some Collection<UInt8>) throws(BackupError) -> [UInt8] {
        pending.append(contentsOf: bytes)
        let size = chunkSize + ChunkCipher.tagCount
        var (plain, start): ([UInt8], Int) = ([], 0)
        while pending.count - start > size {
            plain += try chunks.open(pending[start..<(start + size)], isLast: false)
            start += size
        }
        pending.removeFirst(start)
        return plain
    }

    /// Says that the file ends here, and returns what the last chunk holds.
    ///
    /// - Throws: `.truncated` or `.forged`.
    public mutating func finish() throws(BackupError) -> [UInt8] {
        defer { pending = [] }
        guard pending.count >= ChunkCipher.tagCount else { throw .truncated }
        // Only an empty backup ends with an empty chunk.
        guard pending.count > ChunkCipher.tagCount || chunks.index == 0 else { throw .forged }
        return try chunks.open(pending[...], isLast: true)
    }
}

/// AES-256-GCM over numbered chunks, bound to the whole header.
private struct ChunkCipher: Sendable {
    static let tagCount = 16

    private let key: SymmetricKey
    private let prefix: [UInt8]
    private let binding: [UInt8]
    /// Chunks so far.
    private(set) var index: UInt64 = 0

    init(header: BackupHeader, key: BackupKey) {
        self.key = key.fileKey(salt: header.salt)
        prefix = header.noncePrefix
        binding = Array(SHA256.hash(data: header.bytes))
    }

    mutating func seal(_ plain: ArraySlice<UInt8>, isLast: Bool) throws(BackupError) -> [UInt8] {
        let nonce = try nextNonce(isLast: isLast)
        guard let box = try? AES.GCM.seal(plain, using: key, nonce: nonce, authenticating: binding) else {
            throw .malformed
        }
        return Array(box.ciphertext) + Array(box.tag)
    }

    mutating func open(_ sealed: ArraySlice<UInt8>, isLast: Bool) throws(BackupError) -> [UInt8] {
        let nonce = try nextNonce(isLast: isLast)
        guard
            let box = try? AES.GCM.SealedBox(
                nonce: nonce,
                ciphertext: sealed.dropLast(Self.tagCount),
                tag: sealed.suffix(Self.tagCount)
            ), let plain = try? AES.GCM.open(box, using: key, authenticating: binding)
        else { throw .forged }
        return Array(plain)
    }

    private mutating func nextNonce(isLast: Bool) throws(BackupError) -> AES.GCM.Nonce {
        guard let number = UInt32(exactly: index) else { throw .tooLarge }
        index += 1
        guard let nonce = try? AES.GCM.Nonce(data: prefix + bigEndian(number) + [isLast ? 1 : 0]) else {
            preconditionFailure("the nonce has 12 bytes")
        }
        return nonce
    }
}

private func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
