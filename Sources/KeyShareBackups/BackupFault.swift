// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackupContainers
internal import KeyShareProtocol

/// Why a backup was not made, or not put back; says what to do, and names no secret.
public struct BackupFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of a fault.
    public enum Code: String, Sendable, Hashable {
        /// Another backup, restore or drill runs.
        case busy
        /// pg_dump or pg_restore is missing, or older than the server.
        case program
        /// The database could not be read whole.
        case dump
        /// What was written could not be kept.
        case storage
        /// No name of a backup, or one that does not lie directly in the folder.
        case path
        /// There is no such file.
        case missing
        /// A folder, a device, or another thing that is no file.
        case notAFile
        /// The file cannot be read.
        case unreadable
        /// No key here opens it.
        case key
        /// The file is not whole, or not what it says.
        case damaged
        /// What was restored beside the live database is not sound.
        case unsound
        /// The restored database could not take the live one's place.
        case exchange
        /// A copy elsewhere could not be made.
        case copy
        /// A file of another node is refused.
        case refused
        /// More than is kept for another node.
        case quota
        /// The database does not answer.
        case database
    }

    public let code: Code
    public let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ error: BackupError) {
        self.init(error == .notARecipient ? .key : .damaged, "\(error)")
    }

    public var description: String { detail }

    /// What the administrator's routes say of it.
    func failure(restoring: Bool) -> KeyShareFailure {
        switch code {
        case .path: KeyShareFailure(.invalidDumpPath, "'dump_path' must be the name of a backup of this node")
        case .missing: KeyShareFailure(.dumpFileNotFound, "There is no such backup")
        case .notAFile: KeyShareFailure(.invalidDumpFile, "This is not a file")
        case .unreadable: KeyShareFailure(.dumpFileAccessError, "The backup cannot be read")
        case .refused: KeyShareFailure(.invalidRequest, detail)
        case .quota: KeyShareFailure(.payloadTooLarge, detail)
        case .database: KeyShareFailure(.unknownError, "The database does not answer")
        case .busy, .program, .dump, .storage, .key, .damaged, .unsound, .exchange, .copy:
            KeyShareFailure(restoring ? .restoreFailed : .dumpFailed, detail)
        }
    }
}
