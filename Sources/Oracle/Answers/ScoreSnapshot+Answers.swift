// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
internal import LightningPrimitives
internal import TrustScore

extension ScoreSnapshot {
    /// Counts over everything known.
    public func stats() -> StatsAnswer {
        let swept = totals.scored
        let phantoms = swept > 0 ? Int(roundHalfUp(100 * Double(swept - totals.reachable) / Double(swept))) : nil
        return StatsAnswer(
            totalAgents: totals.nodes - totals.stale,
            activeAgents: totals.nodes - totals.stale,
            agentsAll: totals.nodes,
            totalEndpoints: totals.scored,
            serviceEndpointCount: 0,
            nodesProbed: swept,
            phantomRate: phantoms,
            verifiedReachable: totals.reachable,
            probes24h: 0,
            totalChannels: pass?.channels ?? 0,
            nodesWithRatings: 0,
            // Every channel is counted at both of its ends.
            networkCapacityBtc: roundHalfUp(Double(totals.capacitySat) / 2e8, decimals: 2),
            totalVolumeBuckets: StatsAnswer.VolumeBuckets(),
            serviceSources: StatsAnswer.ServiceSources(),
            graph: pass.map {
                StatsAnswer.Graph(
                    computedAt: $0.finishedAt,
                    graphTime: $0.graphClock,
                    pathSource: $0.source.hex,
                    pathSourceIsOwnNode: $0.sourceIsOwn
                )
            }
        )
    }

    /// A page of all nodes.
    ///
    /// - Parameters:
    ///   - limit: rows at most, 0 or more.
    ///   - offset: rows to pass over, 0 or more.
    public func top(limit: Int, offset: Int, sortBy axis: SortAxis = .score, now: Date) -> NodeListing {
        listing(order(axis), limit: limit, offset: offset, sortBy: axis, now: now)
    }

    /// A page of the nodes whose alias contains a text, whatever the case; best score first.
    public func search(alias: String, limit: Int, offset: Int, now: Date) -> NodeListing {
        listing(positions(matching: alias), limit: limit, offset: offset, sortBy: nil, now: now)
    }

    /// What is on file about a node, or `nil` for one nobody has seen.
    public func agent(_ identifier: NodeIdentifier, now: Date) -> NodeAnswer? {
        guard let record = record(identifier) else { return nil }
        return NodeAnswer(
            agent: NodeAnswer.Agent(record),
            bayesian: BayesianBlock(record, at: Self.seconds(now)),
            stats: NodeAnswer.Stats(),
            evidence: EvidenceBlock(record),
            alerts: [],
            scores: ScoreBlock(record, pass)
        )
    }

    /// Everything about a node, or `nil` for one nobody has seen.
    public func profile(_ identifier: NodeIdentifier, now: Date) -> ProfileAnswer? {
        position(of: identifier).map { ProfileAnswer(self, position: $0, now: Self.seconds(now)) }
    }

    /// The verdict on a node; one nobody has seen gets INSUFFICIENT.
    public func verdict(_ identifier: NodeIdentifier, now: Date) -> VerdictAnswer {
        VerdictAnswer(self, identifier, now: Self.seconds(now))
    }

    /// The verdicts on several nodes in the order asked; one asked for twice is answered twice and computed once.
    public func verdicts(_ identifiers: [NodeIdentifier], now: Date) -> [VerdictAnswer] {
        var known: [NodeHash: VerdictAnswer] = [:]
        return identifiers.map { identifier in
            if let answer = known[identifier.hash] { return answer }
            let answer = verdict(identifier, now: now)
            known[identifier.hash] = answer
            return answer
        }
    }

    /// What the health answer needs to know.
    public func health(now: Date) -> ScoreHealth {
        let now = Self.seconds(now)
        let age = pass.map { max(0, now - $0.finishedAt) }
        return ScoreHealth(
            agentsIndexed: totals.nodes,
            staleAgents: totals.stale,
            lastUpdate: pass?.finishedAt,
            scoringAge: age,
            isScoringStale: age.map { $0 > 7200 } ?? false,
            snapshotAge: loadedAt.map { max(0, now - $0) },
            channels: pass?.channels ?? 0
        )
    }

    private static func seconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970) }

    private func listing(
        _ positions: [Int],
        limit: Int,
        offset: Int,
        sortBy axis: SortAxis?,
        now: Date
    ) -> NodeListing {
        let page = positions.dropFirst(max(0, offset)).prefix(max(0, limit))
        return NodeListing(
            data: page.map { row($0, now: Self.seconds(now)) },
            meta: NodeListing.Meta(total: positions.count, limit: limit, offset: offset, sort_by: axis?.rawValue)
        )
    }

    private func row(_ position: Int, now: Int64) -> NodeListing.Row {
        let record = records[position]
        return NodeListing.Row(
            publicKeyHash: record.hash.hex,
            publicKey: record.id.hex,
            alias: record.alias,
            rank: position + 1,
            totalTransactions: 0,
            channels: record.channels,
            capacitySats: record.capacitySat,
            source: "lightning_graph",
            score: record.scores?.score,
            compatScore: record.scores?.compatibleScore,
            bayesian: BayesianBlock(record, at: now)
        )
    }
}
