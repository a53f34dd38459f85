// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import BackupContainers
public import Crypto
internal import FoundationEssentials

/// What reads sealed backups.
public enum BackupOpener: Sendable {
    /// The node's own key.
    case node(BackupKey?)
    /// A recipient's private key, for who restores elsewhere.
    ///
    /// - Parameter node: the node's own key, by which it is known who made the backup; `nil` where nobody asks.
    case recipient(Curve25519.KeyAgreement.PrivateKey, node: BackupKey? = nil)

    /// The same, for backups of this node alone.
    public func made(by node: BackupKey?) -> Self {
        switch self {
        case .recipient(let key, _): .recipient(key, node: node)
        case .node: self
        }
    }

    func key(for header: BackupHeader) throws(BackupFault) -> BackupKey {
        let isForRecipients = header.metadata.recipients != nil
        switch self {
        case .recipient(let recipient, let node):
            guard isForRecipients else {
                throw BackupFault(.key, "the backup was sealed with the node's own key, not for recipients")
            }
            do throws(BackupError) {
                let key = try header.key(for: recipient)
                if let node { try header.checkOrigin(of: key, by: node) }
                return key
            } catch { throw BackupFault(error) }
        case .node(let key):
            guard !isForRecipients else {
                throw BackupFault(
                    .key,
                    "the backup was sealed for recipients (KS_BACKUP_RECIPIENTS): give the private key of one with --key"
                )
            }
            guard let key else { throw BackupFault(.key, "the node is sealed: unseal it first") }
            return key
        }
    }
}

/// A container that is being read; used by one task.
private final class Opening {
    var container: BackupReader

    init(_ container: BackupReader) { self.container = container }
}

/// What a file of backups holds: a dump of pg_dump in its custom format, sealed or plain.
struct DumpContent: Sendable {
    let file: DumpFile
    /// `nil` for a plain dump.
    let header: BackupHeader?
    private let opener: BackupOpener

    /// Reads the file's beginning.
    ///
    /// - Throws: `.damaged`.
    init(_ file: DumpFile, opener: BackupOpener) async throws {
        self.file = file
        self.opener = opener
        let start = try await file.read(at: 0, count: BackupHeader.maximumCount)
        if start.starts(with: Array("AKB1".utf8)) {
            guard let header = try BackupHeader.parse(start) else { throw BackupFault(BackupError.truncated) }
            self.header = header
        } else if start.starts(with: Array("PGDMP".utf8)) {
            header = nil
        } else {
            throw BackupFault(.damaged, "\(file.name) is no backup: neither AKB1 nor a dump of pg_dump -Fc")
        }
    }

    var isSealed: Bool { header != nil }

    /// Gives the dump to the body, piece by piece.
    ///
    /// - Throws: `.key`, `.damaged`; nothing that was given may be relied on then.
    func stream(_ body: ([UInt8]) async throws -> Void) async throws {
        guard let header else { return try await file.forEachPiece(body) }
        let opening = Opening(BackupReader(header, key: try opener.key(for: header)))
        do {
            try await file.forEachPiece(from: Int64(header.bytes.count)) { bytes in
                let plain = try opening.container.append(bytes)
                if !plain.isEmpty { try await body(plain) }
            }
            try await body(try opening.container.finish())
        } catch let error as BackupError {
            throw BackupFault(error)
        }
    }

    /// What reading the whole file has shown.
    struct Verified: Sendable, Hashable {
        /// Bytes of the dump.
        var bytes: Int64 = 0
        /// As `schema.table`.
        var tables: Set<String> = []
    }

    /// Reads everything once: every chunk's seal, and the dump inside to its end.
    ///
    /// - Throws: `.key`, `.damaged`, `.program`.
    func verify(_ programs: PostgresPrograms) async throws -> Verified {
        var verified = Verified()
        let passing = Passing()
        // First the seals: nothing of a file that was changed reaches another program.
        try await stream { bytes in passing.keep(bytes, upTo: 8 << 20) }
        verified.bytes = passing.count
        let read = try await ProgramRun(programs.restore, ["--file=/dev/null"]).write { writer in
            try await stream(writer)
        }
        if let problem = read.problem { throw BackupFault(.damaged, "the dump inside is not whole: \(problem)") }
        do { verified.tables = try await DumpStream.tables(in: passing.head, programs) } catch let fault as BackupFault
        {
            throw BackupFault(.damaged, fault.detail)
        }
        let expected = Set((header?.metadata.rows ?? [:]).keys)
        guard expected.isSubset(of: verified.tables) else {
            let missing = expected.subtracting(verified.tables).sorted().joined(separator: ", ")
            throw BackupFault(.damaged, "the dump inside lacks tables: \(missing)")
        }
        return verified
    }
}
