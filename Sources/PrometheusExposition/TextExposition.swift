// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The forms in which metrics are written.
public enum ExpositionFormat: Sendable, Hashable {
    /// The text that Prometheus reads, version 0.0.4 (prometheus.io, "Exposition formats").
    case text
    /// OpenMetrics 1.0: counters' families are named without `_total`, and the end is marked.
    case openMetrics

    /// What a request's `Accept` asks for.
    public init(accept: String?) {
        let isWanted = accept?.lowercased().contains("application/openmetrics-text") ?? false
        self = isWanted ? .openMetrics : .text
    }

    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

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

    /// A bucket's bound; OpenMetrics writes whole ones with a point.
    static func bound(_ value: Double, _ format: ExpositionFormat) -> String {
        let text = number(value)
        return format == .openMetrics && text.allSatisfy { $0.isNumber || $0 == "-" } ? text + ".0" : text
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
    /// Renders all series, each family under its HELP and TYPE lines.
    public func render(_ format: ExpositionFormat = .text) -> String {
        let (series, dropped) = snapshot()
        var out = ""
        out.reserveCapacity(series.count * 80)
        var family = ""
        for (key, value) in series {
            let name = prefix + key.name
            if key.name != family {
                family = key.name
                let description = catalogue[key.name]
                let help = description?.help ?? MetricDescription.fallbackHelp(key.name)
                let isUntyped = description?.isUntyped ?? false
                out += Self.head(name, help, isUntyped ? "untyped" : Self.type(value), format)
            }
            append(name, key.labels, value, format, to: &out)
        }
        let name = "\(prefix)metrics_dropped_total"
        out += Self.head(name, "Observations dropped because there were too many series.", "counter", format)
        out += "\(name) \(dropped)\n"
        if format == .openMetrics { out += "# EOF\n" }
        return out
    }

    private static func head(_ name: String, _ help: String, _ type: String, _ format: ExpositionFormat) -> String {
        var (family, type) = (name, type)
        if format == .openMetrics, type == "untyped" { type = "unknown" }
        if format == .openMetrics, type == "counter" {
            if name.hasSuffix("_total") { family = String(name.dropLast("_total".count)) } else { type = "unknown" }
        }
        return "# HELP \(family) \(help)\n# TYPE \(family) \(type)\n"
    }

    private static func type(_ series: Series) -> String {
        switch series {
        case .counter: "counter"
        case .gauge(let gauge): gauge.isCounter ? "counter" : "gauge"
        case .histogram: "histogram"
        }
    }

    private func append(
        _ name: String,
        _ labels: String,
        _ series: Series,
        _ format: ExpositionFormat,
        to out: inout String
    ) {
        switch series {
        case .counter(let counter): out += "\(name)\(labels) \(counter.value)\n"
        case .gauge(let gauge): out += "\(name)\(labels) \(TextExposition.number(gauge.value))\n"
        case .histogram(let histogram):
            let snapshot = histogram.snapshot()
            let open = labels.isEmpty ? "{" : labels.dropLast() + ","
            for (bound, count) in zip(histogram.bounds, snapshot.cumulative) {
                out += "\(name)_bucket\(open)le=\"\(TextExposition.bound(bound, format))\"} \(count)\n"
            }
            out += "\(name)_bucket\(open)le=\"+Inf\"} \(snapshot.count)\n"
            out += "\(name)_sum\(labels) \(TextExposition.number(snapshot.sum))\n"
            out += "\(name)_count\(labels) \(snapshot.count)\n"
        }
    }
}
