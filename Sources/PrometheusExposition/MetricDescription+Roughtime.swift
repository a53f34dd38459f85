// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension MetricDescription {
    /// The Roughtime responder.
    static let roughtime = [
        MetricDescription("roughtime_requests_total", "Requests that were understood, by transport and version."),
        MetricDescription("roughtime_responses_total", "Answers, by transport and version."),
        MetricDescription("roughtime_dropped_total", "Requests without an answer, by transport and reason."),
        MetricDescription(
            "roughtime_batch_size",
            "Requests that were answered together.",
            buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256]
        ),
        MetricDescription("roughtime_signatures_total", "Signatures made, by version."),
        MetricDescription(
            "roughtime_stage_seconds",
            "Time of the parts of answering a batch.",
            buckets: [0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.01]
        ),
        MetricDescription(
            "roughtime_queue_delay_seconds",
            "Age of the oldest request of a batch when it was taken up.",
            buckets: [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.1, 1]
        ),
        MetricDescription(
            "roughtime_delegation_not_after_seconds",
            "Unix time at which the delegation ends; 0 without one."
        ),
        MetricDescription("roughtime_delegation_rotations_total", "New online keys, by result."),
        MetricDescription("roughtime_clock_max_error_seconds", "The kernel's bound of the clock's error."),
        MetricDescription("roughtime_clock_synchronised", "Whether the kernel calls the clock synchronised: 1 or 0."),
        MetricDescription("roughtime_clock_steps_total", "Times the clock was set to another time while running."),
        MetricDescription("roughtime_radius_seconds", "The radius that is stated now."),
        MetricDescription("roughtime_greased_total", "Answers made unusable on purpose."),
        MetricDescription("roughtime_unsent_total", "Answers that the kernel did not take."),
        MetricDescription("roughtime_build_info", "Always 1; version and commit are in the labels."),
    ]
}
