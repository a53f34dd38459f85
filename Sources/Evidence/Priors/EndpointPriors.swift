// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Postgres
internal import TrustScore

/// Learns what to expect of a service at each stage of a call: from its operator's others, its category, all services.
public struct EndpointPriors: Sendable {
    /// What services only say of themselves, their operator and their category, cannot teach more than ten observations.
    static let selfClaimedLimit = 10.0

    private static let endpoints = Statement(
        "evidence.endpoint_groups",
        """
        SELECT url_hash, operator_id, lower(split_part(category, '/', 1)), upstream_reliability / 100, host
        FROM endpoints WHERE deprecated_at IS NULL
        """
    )

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Learns the priors anew.
    ///
    /// - Returns: rows that became others.
    public func update(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        let evidence = try await OwnEvidence.read(client, kind: 2, now: now)
        let endpoints = try await client.query(Self.endpoints, deadline: .seconds(60))
        var entries: [PriorStore.Entry] = []
        for stage in Stage.allCases {
            var targets: [(id: [UInt8], target: PriorChain.Target)] = []
            for row in endpoints {
                let id = try row.bytea(0)
                let target = PriorChain.Target(
                    groups: Self.groups(
                        operatorID: try row.optionalBytea(1),
                        category: try row.optionalText(2),
                        stage: stage
                    ),
                    own: evidence.member(id, stage: stage),
                    // A directory's rating is about the service being there, not about what it delivers for money.
                    upstream: stage == .challenge ? try row.optionalFloat8(3) : nil,
                    owner: site(ofHost: try row.text(4))
                )
                targets.append((id, target))
            }
            let chain = PriorChain(targets.lazy.map(\.target))
            entries += targets.map { PriorStore.Entry(id: $0.id, stage: stage, prior: chain.prior(for: $0.target)) }
        }
        return try await PriorStore(client).replace(kind: 2, with: entries)
    }

    private static func groups(operatorID: [UInt8]?, category: String?, stage: Stage) -> [PriorChain.Group] {
        var groups: [PriorChain.Group] = []
        if let operatorID { groups.append(.init(.operatorGroup, Hex.encode(operatorID), limit: selfClaimedLimit)) }
        if let category, !category.isEmpty {
            groups.append(.init(.category, category, limit: selfClaimedLimit))
        }
        groups.append(.init(.stage, stage.rawValue))
        return groups
    }
}
