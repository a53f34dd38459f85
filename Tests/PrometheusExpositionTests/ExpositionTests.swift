// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import PrometheusExposition
import Testing

@Suite("Prometheus text")
struct ExpositionTests {
    let registry = PrometheusRegistry(
        catalogue: [MetricDescription("wait_seconds", "Time waited.", buckets: [0.1, 1])],
        seriesLimit: 4
    )

    @Test("counters, gauges and histograms are written with help, type and sorted labels")
    func families() {
        registry.makeCounter(label: "runs_total", dimensions: [("result", "ok"), ("job", "graph")]).increment(by: 2)
        registry.makeRecorder(label: "nodes", dimensions: [], aggregate: false).record(Int64(17))
        let timer = registry.makeTimer(label: "wait_seconds", dimensions: [("q", "a")])
        timer.recordNanoseconds(50_000_000)
        timer.recordNanoseconds(100_000_000)
        timer.recordNanoseconds(5_000_000_000)
        let text = registry.render()
        #expect(text.contains("# TYPE assay_runs_total counter\nassay_runs_total{job=\"graph\",result=\"ok\"} 2\n"))
        #expect(text.contains("# TYPE assay_nodes gauge\nassay_nodes 17\n"))
        #expect(text.contains("# HELP assay_wait_seconds Time waited.\n# TYPE assay_wait_seconds histogram\n"))
        #expect(text.contains("assay_wait_seconds_bucket{q=\"a\",le=\"0.1\"} 2\n"))
        #expect(text.contains("assay_wait_seconds_bucket{q=\"a\",le=\"1\"} 2\n"))
        #expect(text.contains("assay_wait_seconds_bucket{q=\"a\",le=\"+Inf\"} 3\n"))
        #expect(text.contains("assay_wait_seconds_count{q=\"a\"} 3\n"))
    }

    @Test("OpenMetrics names counters' families without _total, writes whole bounds with a point, and marks the end")
    func openMetrics() {
        registry.makeCounter(label: "runs_total", dimensions: [("job", "graph")]).increment(by: 2)
        registry.makeCounter(label: "odd", dimensions: []).increment(by: 1)
        registry.makeTimer(label: "wait_seconds", dimensions: []).recordNanoseconds(50_000_000)
        let text = registry.render(.openMetrics)
        #expect(text.contains("# TYPE assay_runs counter\nassay_runs_total{job=\"graph\"} 2\n"))
        #expect(text.contains("# TYPE assay_odd unknown\nassay_odd 1\n"))
        #expect(text.contains("assay_wait_seconds_bucket{le=\"0.1\"} 1\n"))
        #expect(text.contains("assay_wait_seconds_bucket{le=\"1.0\"} 1\n"))
        #expect(text.hasSuffix("assay_metrics_dropped_total 0\n# EOF\n"))
        #expect(ExpositionFormat(accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5") == .openMetrics)
        for accept in [nil, "", "*/*", "text/plain"] { #expect(ExpositionFormat(accept: accept) == .text) }
    }

    @Test("a label value cannot break out of its quotes")
    func escaping() {
        registry.makeCounter(label: "x_total", dimensions: [("a", "q\"uo\\te\nend")]).increment(by: 1)
        #expect(registry.render().contains("assay_x_total{a=\"q\\\"uo\\\\te\\nend\"} 1\n"))
    }

    @Test("series beyond the limit are dropped and counted")
    func limit() {
        for index in 0..<10 {
            registry.makeCounter(label: "y_total", dimensions: [("i", "\(index)")]).increment(by: 1)
        }
        let text = registry.render()
        #expect(text.split(separator: "\n").count { $0.hasPrefix("assay_y_total{") } == 4)
        #expect(text.contains("assay_metrics_dropped_total 6\n"))
    }

    @Test("collectors run before each scrape")
    func collectors() {
        let gauge = registry.makeRecorder(label: "age_seconds", dimensions: [], aggregate: false)
        registry.collect { gauge.record(Int64(5)) }
        #expect(registry.render().contains("assay_age_seconds 5\n"))
    }

    @Test("the product's descriptions have unique names, a full sentence and ascending buckets")
    func catalogue() {
        let names = MetricDescription.all.map(\.name)
        #expect(Set(names).count == names.count)
        for description in MetricDescription.all {
            #expect(description.help.hasSuffix("."))
            #expect(description.buckets.map { $0 == $0.sorted() } ?? true)
        }
    }
}
