// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Metrics

/// What Prometheus is told beside ``BackupStatus``.
struct BackupInstruments: Sendable {
    private let failures = Counter(label: "ks_backup_failures_total")
    private let undeletedBackups = Gauge(label: "ks_backup_undeleted")
    private let drillState = Gauge(label: "ks_backup_drill_ok")
    private let drillTime = Gauge(label: "ks_backup_drill_timestamp")

    func failed() { failures.increment() }

    /// Backups that should be gone and are not.
    func undeleted(_ count: Int) { undeletedBackups.record(Int64(count)) }

    func drilled(_ at: Date, isOK: Bool) {
        drillState.record(isOK ? 1 : 0)
        drillTime.record(Int64(at.timeIntervalSince1970))
    }
}
