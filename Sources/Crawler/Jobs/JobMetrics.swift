// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics

/// What the scheduler tells the operator's monitoring.
///
/// The exporter adds the prefix.
struct JobMetrics: Sendable {
    /// How a run ended.
    enum Result: String, Sendable { case ok, error, timeout }

    func finished(_ job: Job, _ result: Result, after duration: Duration) {
        let name = ("job", job.name)
        Counter(label: "job_runs_total", dimensions: [name, ("result", result.rawValue)]).increment()
        Metrics.Timer(label: "job_duration_seconds", dimensions: [name]).record(duration: duration)
    }

    func seen(_ row: JobStore.Row, of job: Job) {
        let name = [("job", job.name)]
        Gauge(label: "job_overdue_seconds", dimensions: name).record(row.overdueSeconds)
        if let lastSuccess = row.lastSuccess {
            Gauge(label: "job_last_success_timestamp_seconds", dimensions: name).record(lastSuccess)
        }
        if let age = row.age { for label in job.ageGauges { Gauge(label: label).record(age) } }
    }
}
