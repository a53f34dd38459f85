// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The routes of a signer.
public enum SignerRoute: String, Sendable, Hashable, CaseIterable {
    case register = "/register"
    case recoverySetup = "/recovery/setup"
    case challenge = "/challenge"
    case loginStart = "/login/start"
    case loginSelect = "/login/select"
    case recoveryStart = "/recovery/start"
    case recoverySelect = "/recovery/select"
    case signCommit = "/sign/commit"
    case signComplete = "/sign/complete"
    case keyExchange = "/ecdh"
    case sessionList = "/session/list"
    case sessionDeactivate = "/session/deactivate"
    case sessionDelete = "/session/delete"
    // Ours; unknown to other clients.
    case info = "/x/info"
    case commitBatch = "/x/commit-batch"
    case policy = "/x/policy"
    case audit = "/x/audit"
    case passwordRotate = "/x/password/rotate"
    case recoveryCancel = "/x/recovery/cancel"
    case emailConfirm = "/x/email/confirm"
    case refreshStage = "/x/refresh/stage"
    case refreshCommit = "/x/refresh/commit"
    case repair = "/x/repair"
    case keyGeneration = "/x/dkg"

    /// Whose key signs the request's NIP-98 event.
    public enum Key: Sendable, Hashable {
        case client, user, either, none
    }
}
