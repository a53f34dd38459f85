// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What is known of a metric before anything is measured.
public struct MetricDescription: Sendable, Hashable {
    /// The name without prefix, with its unit, such as `job_duration_seconds`.
    public let name: String
    /// One sentence.
    public let help: String
    /// Upper bounds of the histogram's buckets, ascending; `nil` for other kinds.
    public let buckets: [Double]?
    /// Whether the name says another kind than it is: old dashboards know it so.
    public let isUntyped: Bool

    public init(_ name: String, _ help: String, buckets: [Double]? = nil, isUntyped: Bool = false) {
        self.name = name
        self.help = help
        self.buckets = buckets
        self.isUntyped = isUntyped
    }

    /// Seconds, from half a millisecond to ten: for calls on a network.
    public static let defaultBuckets: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// What is said of a metric that has no description.
    static func fallbackHelp(_ name: String) -> String { name.replacing("_", with: " ") + "." }

    /// All metrics of this product.
    public static let all: [MetricDescription] =
        http + proxy + money + lnd + database + evidence + scoring + probing + roughtime + timeStamps + signer
        + keyShare
        + process

    private static let http = [
        MetricDescription("legacy_endpoint_calls_total", "Calls of routes that are gone (410), by endpoint."),
        MetricDescription("requests_total", "HTTP requests answered, by method, route pattern and status."),
        MetricDescription(
            "http_request_duration_seconds",
            "Time from a request's head to its answer.",
            buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
        ),
        MetricDescription("rate_limit_hits_total", "Requests refused by a rate limiter."),
        MetricDescription("http_faults_total", "Requests that ended in an unforeseen error."),
    ]

    private static let proxy = [
        MetricDescription("proxy_upstream_errors_total", "Answers of backends that were not had, by service and kind."),
        MetricDescription("proxy_free_requests_total", "Requests served within a free allowance, by service."),
        MetricDescription(
            "proxy_shadow_refusals_total",
            "Requests served in shadow mode that would have been refused, by service and reason."
        ),
        MetricDescription("services_reload_ok", "Whether the services file is in force as it is: 1 or 0."),
    ]

    private static let money = [
        MetricDescription("l402_challenges_total", "Challenges made, by service and reason."),
        MetricDescription("l402_verified_total", "Credentials looked at, by result."),
        MetricDescription("macaroon_verify_total", "The same as l402_verified_total."),
        MetricDescription("deposit_phase_total", "Deposits begun and redeemed, by phase."),
        MetricDescription("l402_refused_total", "Paid requests refused, by problem code."),
        MetricDescription("l402_settle_seconds", "Time to learn on first use whether an invoice is settled."),
        MetricDescription(
            "l402_verify_seconds",
            "Time to verify a credential, without the store.",
            buckets: [0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.01]
        ),
        MetricDescription(
            "l402_open_invoices",
            "Invoices made here that are neither paid nor expired, as far as known."
        ),
        MetricDescription("l402_revenue_msat_total", "Millisatoshi earned: holds that were settled, by route."),
        MetricDescription("l402_replayed_total", "Repeated requests answered from the store without a charge."),
        MetricDescription("l402_revocations", "Tokens and payments that are revoked."),
        MetricDescription(
            "l402_key_ring_reload_ok",
            "Whether the key ring's file was taken when it last changed: 1 or 0."
        ),
        MetricDescription("ledger_entries_total", "Entries written to the ledger, by kind."),
        MetricDescription(
            "ledger_debit_batch_size",
            "Debits that went into one statement.",
            buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
        ),
        MetricDescription("ledger_holds_swept_total", "Holds released because their request never ended."),
        MetricDescription("operator_bypass_total", "Uses of operators' bypass credentials, by result and name."),
    ]

    private static let lnd = [
        MetricDescription("lnd_requests_total", "Calls to the Lightning node, by call and class of outcome."),
        MetricDescription("lnd_unclassified_errors_total", "Errors of the node whose meaning is unknown."),
        MetricDescription("lnd_latency_seconds", "Time of successful calls to the Lightning node."),
        MetricDescription("lnd_reachable", "Whether the Lightning node answers: 1 or 0."),
        MetricDescription("lnd_inflight", "Questions about routes that wait for the Lightning node's answer."),
        MetricDescription(
            "lnd_queryroutes_duration_seconds",
            "Time of successful questions about routes.",
            buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
        ),
        MetricDescription("lnd_macaroon_refused", "Whether the Lightning node refuses a macaroon: 1 or 0."),
        MetricDescription("lnd_meanings_unconfirmed", "Sentences of this LND version whose meaning was just learnt."),
        MetricDescription("circuit_breaker_state", "0 closed, 1 half-open, 2 open."),
    ]

    private static let database = [
        MetricDescription("db_query_duration_seconds", "Time from a statement's queueing to its answer."),
        MetricDescription("pg_pool_query_duration_seconds", "The same for all statements together, by pool."),
        MetricDescription("pg_pool_query_errors_total", "Statements that failed, by pool."),
        MetricDescription("pg_pool_connections", "Connections to the database that are open, by pool."),
        MetricDescription("pg_pool_in_flight", "Statements that the database works on, by pool."),
        MetricDescription("pg_pool_waiting", "Statements that wait for a connection, by pool."),
        MetricDescription("retention_deleted_rows_total", "Old rows deleted, by table."),
        MetricDescription("schema_version", "Newest migration in the database."),
        MetricDescription("schema_expected", "Newest migration this program knows."),
    ]

    private static let evidence = [
        MetricDescription(
            "stage_observations_total",
            "Outcomes taken in, by stage of an L402 call (or node), source and result."
        ),
        MetricDescription("calibration_brier", "Brier score of what was foretold in the last seven days, by group."),
        MetricDescription("calibration_log_loss", "Log loss of what was foretold in the last seven days, by group."),
        MetricDescription("calibration_ece", "Expected calibration error of the last seven days, by group."),
        MetricDescription(
            "calibration_noise_floor",
            "Calibration error that perfect probabilities would show by chance, by group."
        ),
    ]

    private static let scoring = [
        MetricDescription("scored_total", "Nodes scored, by result."),
        MetricDescription("scoring_age_seconds", "Age of the newest scores; -1 before the first."),
        MetricDescription(
            "score_compute_duration_seconds",
            "Time to compute all scores of a pass.",
            buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
        ),
        MetricDescription("verdict_total", "Verdicts given, by verdict and route."),
        MetricDescription("agents", "Nodes in the index."),
        MetricDescription("channels", "Channels in the index."),
        MetricDescription("agents_total", "The same as agents, as SatRank names it.", isUntyped: true),
        MetricDescription("channels_total", "The same as channels, as SatRank names it.", isUntyped: true),
        MetricDescription("graph_nodes", "Nodes of the last graph read."),
        MetricDescription("graph_edges", "Channels of the last graph read."),
        MetricDescription("graph_sync_age_seconds", "How long ago the graph in memory was known to be current."),
        MetricDescription("graph_updates_total", "Changes of the graph that came by subscription, by result."),
        MetricDescription("graph_rescore_errors_total", "Passes over changes that failed; the changes are kept."),
        MetricDescription(
            "pathfind_agreement_ratio",
            "Share of targets on which our path-finding and the node's agree, 0 to 1."
        ),
        MetricDescription(
            "crawl_duration_seconds",
            "Time of a crawl, by source.",
            buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600]
        ),
        MetricDescription(
            "pathfind_sweep_seconds",
            "Time of a reachability sweep, by amount.",
            buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
        ),
        MetricDescription("job_runs_total", "Runs of a job, by result."),
        MetricDescription("job_duration_seconds", "Time of a job's runs.", buckets: [0.1, 1, 10, 60, 300, 900, 3600]),
        MetricDescription("job_last_success_timestamp_seconds", "Unix time of a job's last success."),
        MetricDescription("job_overdue_seconds", "How long a job is past its due time."),
    ]

    private static let process = [
        MetricDescription("build_info", "Always 1; version and commit are in the labels."),
        MetricDescription("process_resident_memory_bytes", "Resident memory."),
        MetricDescription("process_cpu_seconds_total", "User and system time."),
        MetricDescription("process_open_fds", "Open file descriptors."),
        MetricDescription("process_start_time_seconds", "Unix time of the process's start."),
    ]
}
