// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// One thing that is wrong, by a key that stays the same while it lasts.
public struct HealthCause: Sendable, Hashable, Codable {
    /// Such as `schema` or `disk`.
    public let key: String
    /// What is wrong and what to do, in a sentence.
    public let text: String

    public init(key: String, text: String) {
        self.key = key
        self.text = text
    }
}

/// What a look at a service found.
public struct HealthReport: Sendable {
    public let isReachable: Bool
    public let causes: [HealthCause]

    public init(isReachable: Bool, causes: [HealthCause]) {
        self.isReachable = isReachable
        self.causes = causes
    }

    /// 0 healthy, 1 degraded, 2 unreachable.
    public var exitCode: Int32 { isReachable ? (causes.isEmpty ? 0 : 1) : 2 }
}

/// The answer of `/api/health`, as far as it decides about health; members that are missing say nothing.
struct HealthAnswer: Decodable {
    struct Body: Decodable {
        struct Job: Decodable {
            let name: String
            let overdue: Bool?
        }
        var status: String?
        var dbStatus: String?
        var lndStatus: String?
        var schemaVersion: Int?
        var expectedSchemaVersion: Int?
        var scoringStale: Bool?
        var scoringAgeSec: Int?
        var jobs: [Job]?
    }
    let data: Body

    /// What is wrong by the service's own account; the expected schema comes from the same answer.
    var causes: [HealthCause] {
        var causes: [HealthCause] = []
        func add(_ key: String, _ text: String) { causes.append(HealthCause(key: key, text: text)) }
        if data.dbStatus.map({ $0 != "ok" }) ?? false { add("database", "The database does not answer.") }
        if data.lndStatus == "degraded" { add("lnd", "The Lightning node does not answer or is not synchronised.") }
        if let found = data.schemaVersion, let expected = data.expectedSchemaVersion, found != expected {
            add("schema", "The database has schema \(found), the program expects \(expected): run 'assay migrate'.")
        }
        if data.scoringStale == true {
            add("scoring", "The newest scores are \(data.scoringAgeSec.map(String.init) ?? "unknown") s old.")
        }
        for job in data.jobs ?? [] where job.overdue == true { add("job.\(job.name)", "Job \(job.name) is overdue.") }
        if causes.isEmpty, let status = data.status, status != "ok" {
            add("status", "The service reports '\(status)'.")
        }
        return causes
    }
}
