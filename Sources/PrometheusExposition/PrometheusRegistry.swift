// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import CoreMetrics
internal import Synchronization

/// A swift-metrics backend that Prometheus can scrape.
///
/// Metric names come without prefix; the registry adds it. Timers become histograms in seconds, recorders histograms or
/// gauges. The number of series is bounded: what comes beyond is dropped and counted, so that a label with unbounded
/// values cannot eat the memory.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    struct SeriesKey: Hashable {
        let name: String
        /// The label part as it is printed, such as `{job="graph"}`, rendered once.
        let labels: String
    }

    enum Series {
        case counter(CounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)
    }

    private struct State {
        var series: [SeriesKey: Series] = [:]
        var collectors: [@Sendable () -> Void] = []
        var dropped = 0
    }

    /// What stands before every name, such as `assay_`.
    let prefix: String
    let catalogue: [String: MetricDescription]
    private let seriesLimit: Int
    private let state = Mutex(State())

    /// Makes a registry.
    /// - Parameters:
    ///   - prefix: letters, digits and underscores; an underscore is added at its end.
    ///   - catalogue: what is known of the metrics: help texts and buckets.
    ///   - seriesLimit: the greatest number of (name, labels) pairs.
    public init(prefix: String = "assay", catalogue: [MetricDescription], seriesLimit: Int = 20_000) {
        self.prefix = prefix.isEmpty ? "" : prefix + "_"
        self.catalogue = Dictionary(catalogue.map { ($0.name, $0) }) { first, _ in first }
        self.seriesLimit = seriesLimit
    }

    /// Adds something to run before each scrape, to set gauges that are cheap to compute and costly to follow.
    public func collect(_ collector: @escaping @Sendable () -> Void) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// Runs the collectors and returns all series.
    func snapshot() -> (series: [(key: SeriesKey, value: Series)], dropped: Int) {
        for collector in state.withLock({ $0.collectors }) { collector() }
        return state.withLock { state in
            (state.series.sorted { ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels) }, state.dropped)
        }
    }

    private func series(_ label: String, _ dimensions: [(String, String)], make: () -> Series) -> Series? {
        let key = SeriesKey(name: label, labels: TextExposition.labels(dimensions))
        return state.withLock { state in
            if let known = state.series[key] { return known }
            guard state.series.count < seriesLimit else {
                state.dropped += 1
                return nil
            }
            let made = make()
            state.series[key] = made
            return made
        }
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard case .counter(let counter)? = series(label, dimensions, make: { .counter(CounterSeries()) }) else {
            return NOOPMetricsHandler.instance
        }
        return counter
    }

    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        guard case .gauge(let sum)? = series(label, dimensions, make: { .gauge(GaugeSeries(isCounter: true)) }) else {
            return NOOPMetricsHandler.instance
        }
        return sum
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        guard case .gauge(let gauge)? = series(label, dimensions, make: { .gauge(GaugeSeries()) }) else {
            return NOOPMetricsHandler.instance
        }
        return gauge
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else {
            guard case .gauge(let gauge)? = series(label, dimensions, make: { .gauge(GaugeSeries()) }) else {
                return NOOPMetricsHandler.instance
            }
            return gauge
        }
        return histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries? {
        let bounds = catalogue[label]?.buckets ?? MetricDescription.defaultBuckets
        guard
            case .histogram(let histogram)? = series(
                label,
                dimensions,
                make: { .histogram(HistogramSeries(bounds: bounds)) }
            )
        else { return nil }
        return histogram
    }

    // Series live as long as the process: Prometheus wants counters that do not vanish.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}
}
