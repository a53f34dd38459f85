// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import BackupContainers
public import FoundationEssentials

/// What an operator decides about a node's backups.
public struct BackupConfiguration: Sendable {
    /// `DUMP_DIR`.
    public var directory: String
    /// What the node is called in its backups and at those who keep copies; letters, digits, dots, dashes, underscores.
    public var node = "node"
    /// When the daily backup is made; `nil` makes none by itself.
    public var time = BackupTime("03:17")
    /// How often the newest backup is tried out, in seconds; `nil` is never.
    public var drillInterval: TimeInterval? = 7 * 86_400
    /// Of so many weeks before the last seven days the newest backup is kept.
    public var weekly = 0
    /// Of so many months before the last seven days the newest backup is kept.
    public var monthly = 0
    /// Those who alone can read the backups; none, and the node's own key can.
    public var recipients: [BackupRecipient] = []
    /// Where copies go.
    public var targets: [OffsiteTarget] = []
    /// The Bearer of targets that are other nodes.
    public var offsiteToken: String?
    /// A file of settings for ssh, with the key and the hosts that are known; `nil` takes the user's own.
    public var sshConfiguration: String?
    /// Bytes that are kept for each other node; 0 keeps none.
    public var quota: Int64 = 0
    /// How long a dump or a restore may take.
    public var programDeadline: Duration = .seconds(6 * 3600)
    /// How long one copy may take.
    public var copyDeadline: Duration = .seconds(2 * 3600)
    /// The one directory of pg_dump and pg_restore; `nil` looks for the newest.
    public var programDirectory: String?
    /// How long who asks for a backup or a restore waits for another one to end.
    public var patience: Duration = .seconds(120)
    /// Shares that are opened to see whether a restored database is sound.
    public var sample = 20

    public init(directory: String) { self.directory = directory }
}

/// The key of the node's own backups.
public struct BackupKeySource: Sendable {
    /// `nil` while the node is sealed.
    let current: @Sendable () -> BackupKey?

    public init(_ current: @escaping @Sendable () -> BackupKey?) { self.current = current }
}

/// How far a backup or a restore is.
public enum BackupStage: String, Sendable, Hashable, CaseIterable {
    // A backup.
    case begun
    case dumping
    case written
    case named
    // A restore or a drill.
    case verified
    case created
    case restored
    case checked
    case saved
    case suspended
    case exchanged
}
