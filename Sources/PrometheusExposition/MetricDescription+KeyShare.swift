// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension MetricDescription {
    static let keyShare = [
        MetricDescription("ks_requests_total", "Requests to the key share node answered, by route and status."),
        MetricDescription("ks_request_seconds", "Time from a request to the key share node to its answer, by route."),
        MetricDescription("ks_auth_failures_total", "Logins that were refused, by provider and reason."),
        MetricDescription("ks_provider_seconds", "Time to check a login, by provider."),
        MetricDescription("ks_sealed", "Whether the key share node is sealed: 1 or 0."),
        MetricDescription("ks_database_connected", "Whether the key share node's database answers: 1 or 0."),
        MetricDescription("ks_kek_epoch", "Epoch of the key that seals the shares' keys."),
        MetricDescription("ks_rows_v1_left", "Shares that are still in Oko's format."),
        MetricDescription("ks_shares", "Shares in the key share node's store, by curve and format."),
        MetricDescription("ks_sessions", "Commit-reveal sessions in the store, by state."),
        MetricDescription("ks_audit_entries_total", "Entries of the audit's chain."),
        MetricDescription("ks_audit_dropped_total", "Lines that the audit had no room for; nobody waited for them."),
        MetricDescription("ks_share_damage_total", "Times that a stored share was found damaged."),
        MetricDescription("ks_audit_signed_entries", "Entries of the audit that the last signed head stands for."),
        MetricDescription(
            "ks_backup_last_success_timestamp",
            "When the newest good backup was finished, Unix seconds."
        ),
        MetricDescription("ks_backup_bytes", "Size of the newest good backup."),
        MetricDescription("ks_backup_failures_total", "Backups that failed."),
        MetricDescription("ks_backup_undeleted", "Backups that should be gone and could not be deleted."),
        MetricDescription("ks_backup_drill_ok", "Whether the newest drill's backup restored: 1 or 0."),
        MetricDescription("ks_backup_drill_timestamp", "When the newest drill was, Unix seconds."),
        MetricDescription(
            "ks_offsite_last_success_timestamp",
            "When the newest copy elsewhere was made, Unix seconds."
        ),
        MetricDescription("ks_node_reports_total", "Reports of watched key share nodes that were taken, by node."),
        MetricDescription("ks_node_serving", "Whether a watched key share node served when it was last asked: 1 or 0."),
        MetricDescription(
            "ks_node_silent",
            "Whether a watched key share node stopped reporting ten minutes ago: 1 or 0."
        ),
        MetricDescription("ks_telemetry_reports_total", "Reports sent about the key share node, by outcome."),
    ]
}
