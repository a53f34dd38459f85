// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension MetricDescription {
    /// Stamps and the guard of the clock.
    static let timeStamps = [
        MetricDescription(
            "time_stamps_total",
            "Stamps asked of the time server, by kind (document, scores) and result."
        ),
        MetricDescription("time_stamped_scores", "Scores in the last stamp of scores."),
        MetricDescription("time_stamp_age_seconds", "Age of the newest stamp of scores."),
        MetricDescription("clock_ok", "1 while the clock agrees with a quorum of time servers, 0 while it does not."),
        MetricDescription("clock_checks_total", "Checks of the clock against time servers, by result."),
    ]
}
