// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The answer of `/api/health`, with the member names of the SatRank API and what operators asked for beyond it.
struct HealthAnswer: Encodable, Sendable {
    struct Features: Encodable, Sendable {
        let depositInvoiceGeneration: Bool
        let nostrPublishing: Bool
        let pathfindingProbe: Bool
        let nodeChannelHint: Bool
        let l402Bypass: Bool
        let l402Native: Bool
    }
    struct CacheHealth: Encodable, Sendable {
        let degraded: Bool
        let critical: [String]
    }
    struct Job: Encodable, Sendable {
        let name: String
        let lastOkAgeSec: Int?
        let overdue: Bool
    }

    let status: String
    let agentsIndexed: Int
    let staleAgents: Int
    let totalTransactions: Int
    let lastUpdate: Int64?
    let scoringAgeSec: Int64?
    let scoringStale: Bool
    let uptime: Int64
    let schemaVersion: Int?
    let expectedSchemaVersion: Int
    let dbStatus: String
    let lndStatus: String
    let lndLastProbeAgeSec: Int?
    let blockHeight: Int?
    let blockAgeSec: Int64?
    let syncedToChain: Bool?
    let syncedToGraph: Bool?
    let nodePubkey: String?
    let channels: Int?
    let features: Features
    let cacheHealth: CacheHealth
    let jobs: [Job]
    let version: String
    let commit: String
}
