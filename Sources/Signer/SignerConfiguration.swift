// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade

/// What an operator decides about a signer; times are in seconds.
public struct SignerConfiguration: Sendable {
    /// The signer's name to clients and the salt of their passwords: scheme, host and perhaps a path, no slash at the end.
    public var url: String
    /// Former names that are still answered.
    public var aliases: [String] = []
    /// Leading zero bits that a registration's event has to have.
    public var registrationWork = 16
    /// Below this no group is taken; with 1 every signer holds a whole key.
    public var minimumThreshold = 1
    /// The most tweaks of a signature, 0 to 9.
    public var maximumTweaks = 9
    /// How long a recovery by a mailed code waits for a veto.
    public var recoveryDelay: Int64 = 0
    /// Idleness after which a session is deactivated.
    public var idleLimit: Int64 = 30 * 86_400
    /// Idleness after which a share that can be recovered is deleted.
    public var retention: Int64 = 1095 * 86_400
    /// Idleness after deactivation until a session that nobody can recover is deleted.
    public var unrecoverableRetention: Int64 = 90 * 86_400
    /// The most live sessions of one user's key.
    public var sessionsPerUser = 64
    /// Digits of a mailed code after its prefix.
    public var codeDigits = 10
    /// Identities of the signers with which lost shares are made again; none, and nothing is repaired.
    public var peers: [Hex32] = []
    /// Memory for hashing passwords and addresses, KiB, as `/x/info` tells.
    public var hashingMemory = 65_536
    /// What the program calls itself in `/x/info`.
    public var version = ""

    /// How long a mailed code, a login and a recovery are good, and how long an address can be set.
    public static let shortWhile: Int64 = 15 * 60
    /// How long a link that confirms an address is good.
    public static let confirmationLifetime: Int64 = 7 * 86_400
    /// How long a recovery that has waited can be taken.
    public static let recoveryWindow: Int64 = 7 * 86_400
    /// Wrong codes until the code is gone.
    public static let codeAttempts = 3
    /// Seconds before a share's deletion at which its owner is told.
    public static let retentionNotices: [Int64] = [90 * 86_400, 30 * 86_400, 7 * 86_400]

    public init(url: String) { self.url = url }

    /// All names, the usual one first.
    public var urls: [String] { [url] + aliases }

    /// When the sweep has to look at a session again.
    func dueAt(_ record: SessionRecord, lastActivity: Int64) -> Int64 {
        guard let deactivatedAt = record.deactivatedAt else { return lastActivity + idleLimit }
        guard record.email != nil else { return deactivatedAt + unrecoverableRetention }
        let end = lastActivity + retention
        let notices = SignerConfiguration.retentionNotices
        guard record.warnings >= notices.count else { return end - notices[record.warnings] }
        return max(end, (record.warnedAt ?? 0) + (notices.last ?? 0))
    }
}
