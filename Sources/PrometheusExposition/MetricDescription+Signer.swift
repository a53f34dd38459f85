// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension MetricDescription {
    static let signer = [
        MetricDescription("signer_requests_total", "Requests to the signer answered, by route and failure code."),
        MetricDescription("signer_request_seconds", "Time from a signer's request to its answer, by route."),
        MetricDescription("signer_commits_pending", "Announced nonces that wait to be signed with."),
        MetricDescription("signer_commits_expired", "Announced nonces that were not used in time."),
    ]
}
