// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics

/// What a pass tells the operator's monitoring.
///
/// The exporter adds the prefix.
struct PassMetrics: Sendable {
    private let nodes = Gauge(label: "graph_nodes")
    private let edges = Gauge(label: "graph_edges")
    private let crawl = Metrics.Timer(label: "crawl_duration_seconds", dimensions: [("source", "lnd_graph")])
    private let compute = Metrics.Timer(label: "score_compute_duration_seconds")
    private let changed = Counter(label: "scored_total", dimensions: [("result", "changed")])
    private let unchanged = Counter(label: "scored_total", dimensions: [("result", "unchanged")])

    func recordSweep(tier: Int64, _ duration: Duration) {
        Metrics.Timer(label: "pathfind_sweep_seconds", dimensions: [("tier", "\(tier)")]).record(duration: duration)
    }

    func record(_ report: PassReport) {
        nodes.record(report.nodes)
        edges.record(report.channels)
        if report.isFull { crawl.record(duration: report[.receive] + report[.parse] + report[.ingest]) }
        compute.record(duration: report[.rank] + report[.paths] + report[.score])
        changed.increment(by: report.changes.scores)
        unchanged.increment(by: max(0, report.nodes - report.changes.scores))
    }
}
