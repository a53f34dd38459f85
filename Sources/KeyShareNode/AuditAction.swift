// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What the audit tells of.
public enum AuditAction: String, Sendable, Hashable, CaseIterable {
    case nodeStart = "node.start"
    case login = "login"
    case register = "keyshare.register"
    case get = "keyshare.get"
    case reshare = "keyshare.reshare"
    case delete = "keyshare.delete"
    case list = "keyshare.list"
    case refreshPrepare = "keyshare.refresh_prepare"
    case refreshCommit = "keyshare.refresh_commit"
    case refreshAbort = "keyshare.refresh_abort"
    /// A stored share does not open, or is not the one that was stored.
    case shareDamaged = "share.damaged"
    case keypairRotate = "keypair.rotate"
    case keyRotateBegin = "kek.rotate_begin"
    case keyRotateEnd = "kek.rotate_end"
    case seal = "node.seal"
    case unseal = "node.unseal"
    case importFormer = "import.v1"
    case exportFormer = "export.v1"
    case adminLogin = "admin.login"
    case adminAction = "admin.action"
    case backupCreate = "backup.create"
    case backupDrill = "backup.drill"
    case backupRestore = "backup.restore"
    case backupDelete = "backup.delete"
    case backupCopy = "backup.copy"
}
