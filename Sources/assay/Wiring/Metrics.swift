// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Gateway
import Ledger
import Metrics
import PrometheusExposition
import Settings

/// The metrics of this process.
enum MetricsSetup {
    /// Sets the process's metrics up, once.
    static func start(_ settings: Settings) -> PrometheusRegistry {
        let registry = PrometheusRegistry(
            prefix: settings.text(.metricsPrefix) ?? "assay",
            catalogue: MetricDescription.all
        )
        registry.collectProcessMetrics(version: BuildInfo.current.version, commit: BuildInfo.current.commit)
        MetricsSystem.bootstrap(registry)
        return registry
    }

    /// Who may scrape.
    static func access(_ settings: Settings, operators: OperatorAccess? = nil) -> MetricsAccess {
        MetricsAccess(
            key: settings.secret(.apiKey)?.text,
            operators: operators,
            isLoopbackFree: settings.text(.metricsAuth) != "key"
        )
    }
}
