// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension MetricDescription {
    /// Directories, checks of services, and what is paid.
    static let probing = [
        MetricDescription("endpoint_probe_total", "Free looks at services, by how wanted they are and what was found."),
        MetricDescription("registry_endpoints_total", "Rows of directories, by directory and what became of them."),
        MetricDescription("paid_probe_total", "Paid probes of our own, by outcome."),
        MetricDescription("htlc_probe_total", "HTLC probes, by outcome."),
        MetricDescription("spend_msat_total", "Millisatoshi paid, by kind of payment and part (amount, fee)."),
        MetricDescription("spend_budget_remaining_msat", "Millisatoshi that paid probes may still spend, by window."),
        MetricDescription("probe_total", "Probes for callers, by outcome."),
        MetricDescription("probe_sats_paid_total", "Satoshi paid to targets of callers' probes, without fees."),
        MetricDescription(
            "probe_duration_seconds",
            "How long probes for callers take.",
            buckets: [0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60]
        ),
    ]
}
