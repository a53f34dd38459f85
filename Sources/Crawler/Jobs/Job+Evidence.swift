// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Evidence
internal import Logging
internal import Metrics
public import Postgres
internal import TrustScore

extension Job {
    /// Everything that is regularly made of outcomes: priors, trends, calibration, and tidying up.
    ///
    /// - Parameter calibrationInterval: whole seconds, at least 1.
    public static func evidence(_ client: PostgresClient, calibrationInterval: Duration = .seconds(3600)) -> [Job] {
        [
            priors(client), scoreSnapshots(client), calibration(client, interval: calibrationInterval),
            evidenceRetention(client),
        ]
    }

    /// Learns what to expect of nodes and services nobody has paid yet.
    static func priors(_ client: PostgresClient) -> Job {
        Job(name: "group_priors", interval: .seconds(3600), timeout: .seconds(120)) { context in
            let nodes = try await NodePriors(client).update()
            let endpoints = try await EndpointPriors(client).update()
            context.logger.debug("group priors", metadata: ["nodes": "\(nodes)", "endpoints": "\(endpoints)"])
        }
    }

    /// Notes what is published of targets that moved.
    static func scoreSnapshots(_ client: PostgresClient) -> Job {
        Job(name: "score_snapshots", interval: .seconds(3600), timeout: .seconds(120)) { context in
            try await EvidencePartitions.ensure(client)
            let taken = try await ScoreSnapshots(client).take()
            context.logger.debug("score snapshots", metadata: ["rows.written": "\(taken)"])
        }
    }

    /// Compares the predictions of the last seven days with what happened.
    static func calibration(_ client: PostgresClient, interval: Duration) -> Job {
        Job(name: "calibration", interval: interval, timeout: .seconds(600)) { context in
            guard let report = try await Calibrator(client).run() else { return }
            context.logger.info(
                "calibration",
                metadata: [
                    "calibration.outcomes": "\(report.n_outcomes)",
                    "calibration.brier": "\(report.overall.brier.value)",
                    "calibration.ece": "\(report.overall.ece.value)",
                    "calibration.noise_floor": "\(report.overall.noise_floor.mean)",
                ]
            )
        }
    }

    /// Makes the parts of big tables ahead of time and deletes what is old.
    static func evidenceRetention(_ client: PostgresClient) -> Job {
        Job(name: "evidence_retention", interval: .seconds(21_600), timeout: .seconds(600)) { _ in
            for (table, rows) in try await EvidenceRetention(client).run() {
                Counter(label: "retention_deleted_rows_total", dimensions: [("table", table)]).increment(by: rows)
            }
        }
    }
}
