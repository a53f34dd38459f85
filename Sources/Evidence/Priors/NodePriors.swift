// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres
internal import TrustScore

/// Learns what to expect of a node nobody has paid yet: from nodes of like capacity and age.
public struct NodePriors: Sendable {
    private static let nodes = Statement(
        "evidence.node_groups",
        """
        SELECT hash, ntile(4) OVER (ORDER BY capacity_sats, hash), ntile(4) OVER (ORDER BY first_seen DESC, hash)
        FROM nodes WHERE channels > 0
        """
    )

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Learns the priors anew.
    ///
    /// - Returns: nodes whose prior became another.
    public func update(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        let evidence = try await OwnEvidence.read(client, kind: 1, now: now)
        var ids: [[UInt8]] = []
        var targets: [PriorChain.Target] = []
        for row in try await client.query(Self.nodes, deadline: .seconds(60)) {
            let id = try row.bytea(0)
            let group = "capacity \(try row.int4(1)), age \(try row.int4(2))"
            ids.append(id)
            targets.append(
                PriorChain.Target(
                    groups: [.init(.capacityAge, group), .init(.node, "all")],
                    own: evidence.member(id, stage: nil)
                )
            )
        }
        let chain = PriorChain(targets)
        let entries = zip(ids, targets).map {
            PriorStore.Entry(id: $0.0, stage: nil, prior: chain.prior(for: $0.1))
        }
        return try await PriorStore(client).replace(kind: 1, with: entries)
    }
}
