// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The text that Prometheus reads, format version 0.0.4 (prometheus.io, "Exposition formats").
enum TextExposition {
    static func labels(_ dimensions: [(String, String)]) -> String {
        guard !dimensions.isEmpty else { return "" }
        let pairs = dimensions.sorted { $0.0 < $1.0 }.map { name, value in "\(name)=\"\(escaped(value))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    private static func escaped(_ value: String) -> String {
        guard value.contains(where: { $0 == "\\" || $0 == "\"" || $0.isNewline }) else { return value }
        return value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    static func number(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        if value == -.infinity { return "-Inf" }
        if value.isNaN { return "NaN" }
        guard value.rounded() == value, abs(value) < 1e15 else { return "\(value)" }
        return String(Int64(value))
    }
}

extension PrometheusRegistry {
    /// The content type of ``render()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Renders all series, each family under its HELP and TYPE lines.
    public func render() -> String {
        let (series, dropped) = snapshot()
        var out = ""
        out.reserveCapacity(series.count * 80)
        var family = ""
        for (key, value) in series {
            let name = prefix + key.name
            if key.name != family {
                family = key.name
                let help = catalogue[key.name]?.help ?? MetricDescription.fallbackHelp(key.name)
                out += "# HELP \(name) \(help)\n# TYPE \(name) \(Self.type(value))\n"
            }
            append(name, key.labels, value, to: &out)
        }
        out += "# HELP \(prefix)metrics_dropped_total Observations dropped because there were too many series.\n"
        out += "# TYPE \(prefix)metrics_dropped_total counter\n\(prefix)metrics_dropped_total \(dropped)\n"
        return out
    }

    private static func type(_ series: Series) -> String {
        switch series {
        case .counter: "counter"
        case .gauge(let gauge): gauge.isCounter ? "counter" : "gauge"
        case .histogram: "histogram"
        }
    }

    private func append(_ name: String, _ labels: String, _ series: Series, to out: inout String) {
        switch series {
        case .counter(let counter): out += "\(name)\(labels) \(counter.value)\n"
        case .gauge(let gauge): out += "\(name)\(labels) \(TextExposition.number(gauge.value))\n"
        case .histogram(let histogram):
            let snapshot = histogram.snapshot()
            let open = labels.isEmpty ? "{" : labels.dropLast() + ","
            for (bound, count) in zip(histogram.bounds, snapshot.cumulative) {
                out += "\(name)_bucket\(open)le=\"\(TextExposition.number(bound))\"} \(count)\n"
            }
            out += "\(name)_bucket\(open)le=\"+Inf\"} \(snapshot.count)\n"
            out += "\(name)_sum\(labels) \(TextExposition.number(snapshot.sum))\n"
            out += "\(name)_count\(labels) \(snapshot.count)\n"
        }
    }
}
