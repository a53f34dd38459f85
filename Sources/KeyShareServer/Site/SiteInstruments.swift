// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AuditChains
internal import KeyShareNode
internal import KeyShareProtocol
internal import Metrics
internal import Synchronization

/// Counts requests by route and outcome, without a word of whose they were.
final class SiteInstruments: Sendable {
    private struct Kind: Hashable {
        let route: String
        let code: Int
    }

    private let counters = Mutex<[Kind: Counter]>([:])
    private let timers: [Endpoint: Timer] = Dictionary(
        uniqueKeysWithValues: Endpoint.all.map { endpoint in
            (endpoint, Timer(label: "ks_request_seconds", dimensions: [("route", endpoint.template)]))
        }
    )

    func record(_ endpoint: Endpoint?, status: Int, took: Duration) {
        let kind = Kind(route: endpoint?.template ?? "unknown", code: status)
        let counter = counters.withLock { counters in
            if let known = counters[kind] { return known }
            let labels = [("route", kind.route), ("code", String(kind.code))]
            let made = Counter(label: "ks_requests_total", dimensions: labels)
            counters[kind] = made
            return made
        }
        counter.increment()
        if let endpoint { timers[endpoint]?.record(duration: took) }
    }

    /// Sets what is read off rather than counted; before each scrape.
    static func show(_ store: KeyShareStatus, _ backup: BackupStatus) {
        func gauge(_ name: String, _ value: Int64?) {
            if let value { Gauge(label: name).record(value) }
        }
        gauge("ks_sealed", store.isSealed ? 1 : 0)
        gauge("ks_kek_epoch", store.keyEpoch.map(Int64.init))
        gauge("ks_database_connected", store.isDatabaseConnected ? 1 : 0)
        gauge("ks_rows_v1_left", store.formerRows)
        gauge("ks_audit_signed_entries", store.auditHead?.head.seq)
        gauge("ks_backup_last_success_timestamp", backup.lastOKSeconds)
        gauge("ks_backup_bytes", backup.lastSize)
        gauge("ks_offsite_last_success_timestamp", backup.offsiteSeconds)
    }
}
