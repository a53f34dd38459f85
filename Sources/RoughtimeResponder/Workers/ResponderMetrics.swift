// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Roughtime

/// Every series of the responder, made before the first request: counting takes no lock and allocates nothing.
final class ResponderMetrics: Sendable {
    /// The parts of answering a batch.
    enum Stage: String, CaseIterable {
        case receive, validate
        /// Hashing the requests, building the trees and signing their roots.
        case sign
        case send
    }

    private static let versions = Version.all.sorted { Profile.of($0)?.index ?? 0 < Profile.of($1)?.index ?? 0 }

    /// By transport, then by version.
    let requests: [[Counter]]
    let responses: [[Counter]]
    /// By transport, then by reason.
    let dropped: [[Counter]]
    let batchSize = Recorder(label: "roughtime_batch_size", aggregate: true)
    let signatures: [Counter]
    private let stages: [Recorder]
    let queueDelay = Recorder(label: "roughtime_queue_delay_seconds", aggregate: true)
    let greased = Counter(label: "roughtime_greased_total")
    let steps = Counter(label: "roughtime_clock_steps_total")
    let unsent = Counter(label: "roughtime_unsent_total")

    init() {
        func table(_ name: String, _ key: String, _ values: [String]) -> [[Counter]] {
            Transport.allCases.map { transport in
                values.map { Counter(label: name, dimensions: [("transport", transport.name), (key, $0)]) }
            }
        }
        let names = Self.versions.map(\.description)
        requests = table("roughtime_requests_total", "version", names)
        responses = table("roughtime_responses_total", "version", names)
        dropped = table(
            "roughtime_dropped_total",
            "reason",
            DropReason.allCases.sorted { $0.number < $1.number }.map(\.rawValue)
        )
        signatures = names.map { Counter(label: "roughtime_signatures_total", dimensions: [("profile", $0)]) }
        stages = Stage.allCases.map {
            Recorder(label: "roughtime_stage_seconds", dimensions: [("stage", $0.rawValue)], aggregate: true)
        }
    }

    @inline(__always)
    func record(_ stage: Stage, _ nanoseconds: UInt64) {
        let index =
            switch stage {
            case .receive: 0
            case .validate: 1
            case .sign: 2
            case .send: 3
            }
        stages[index].record(Double(nanoseconds) / 1e9)
    }
}
