// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
internal import Metrics
internal import OutboundHTTP
internal import ServiceChecks

/// Looks at all endpoints that are due.
public struct EndpointRound: Sendable {
    /// What a round came to.
    public struct Report: Sendable, Hashable {
        public var checked = 0
        /// With a challenge that can be paid.
        public var working = 0
        /// Looks that do not count, because nobody could be reached.
        public var cutOff = 0
    }

    private let store: EndpointStore
    private let checker: ServiceChecker
    private let deprecationThreshold: Int
    private let logger: Logger

    /// Endpoints that are looked at together.
    static let batch = 200
    /// Requests under way at a time, to different hosts.
    static let concurrency = 16
    /// From this many hosts on, none of which can be reached, it is us who are cut off.
    static let hostsToBlameOurselves = 5

    public init(store: EndpointStore, checker: ServiceChecker, deprecationThreshold: Int = 3, logger: Logger) {
        self.store = store
        self.checker = checker
        self.deprecationThreshold = deprecationThreshold
        self.logger = logger
    }

    /// Looks until nothing is due.
    public func run() async throws -> Report {
        var report = Report()
        while !Task.isCancelled {
            let due = try await store.claimDue(limit: Self.batch)
            guard !due.isEmpty else { break }
            let checks = await look(at: due)
            try Task.checkCancellation()
            try await record(checks, &report)
        }
        return report
    }

    private func look(at endpoints: [Endpoint]) async -> [ServiceCheck] {
        await withTaskGroup(of: ServiceCheck.self) { group in
            var rest = endpoints.shuffled()[...]
            var checks: [ServiceCheck] = []
            for endpoint in rest.prefix(Self.concurrency) { group.addTask { await checker.check(endpoint) } }
            rest = rest.dropFirst(Self.concurrency)
            while let check = await group.next() {
                checks.append(check)
                if let endpoint = rest.popFirst() { group.addTask { await checker.check(endpoint) } }
            }
            return checks
        }
    }

    private func record(_ checks: [ServiceCheck], _ report: inout Report) async throws {
        let hosts = Set(checks.map(\.endpoint.host))
        let isCutOff = hosts.count >= Self.hostsToBlameOurselves && checks.allSatisfy(\.isTransportFailure)
        report.checked += checks.count
        if isCutOff {
            logger.warning("no service can be reached: not held against them", metadata: ["hosts": "\(hosts.count)"])
            report.cutOff += checks.count
            try await store.postpone(checks.map(\.endpoint.hash), seconds: CheckSchedule.bounds.lowerBound)
            return
        }
        report.working += checks.filter { $0.offer != nil && $0.invoiceCheck == .valid }.count
        for check in checks {
            let demand = CheckSchedule.Demand(secondsSinceQuery: check.endpoint.secondsSinceQuery)
            let labels = [("tier", demand.rawValue), ("result", check.label)]
            Counter(label: "endpoint_probe_total", dimensions: labels).increment()
        }
        var generator = SystemRandomNumberGenerator()
        try await store.record(checks, deprecateAfter: deprecationThreshold) { check in
            Self.wait(check, using: &generator)
        }
    }

    /// Seconds until the next look.
    static func wait(_ check: ServiceCheck, using generator: inout some RandomNumberGenerator) -> Double {
        let bounds = CheckSchedule.bounds
        if check.betterMethod != nil { return bounds.lowerBound }
        if !check.wasMade { return bounds.lowerBound }
        if check.endpoint.isDeprecated, check.answer == .gone { return bounds.upperBound }
        let demand = CheckSchedule.Demand(secondsSinceQuery: check.endpoint.secondsSinceQuery)
        let wait = CheckSchedule.wait(demand, probability: check.endpoint.challengeProbability, using: &generator)
        guard case .tooManyRequests(let seconds?)? = check.answer else { return wait }
        return max(wait, Double(seconds))
    }
}
