// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

extension Endpoint {
    /// The node itself, its channels and its balance.
    static let node = [
        Endpoint(.get, "/v1/state", "/lnrpc.State/GetState") { _, _, _ in .unary { ["state": "SERVER_ACTIVE"] } },
        Endpoint(.get, "/v1/state/subscribe", "/lnrpc.State/SubscribeState", isStream: true) { node, _, _ in
            .stream { FirstThenQuiet(["state": "SERVER_ACTIVE"], bell: node.ledger.bell) }
        },
        Endpoint(.get, "/v1/getinfo", "/lnrpc.Lightning/GetInfo") { node, _, _ in
            .unary { try await node.ledger.read { node.info($0) } }
        },
        Endpoint(.get, "/v1/channels", "/lnrpc.Lightning/ListChannels") { node, _, _ in
            .unary { try await node.ledger.read { ["channels": .array(node.channels($0).map(\.json))] } }
        },
        Endpoint(.get, "/v1/balance/channels", "/lnrpc.Lightning/ChannelBalance") { node, _, _ in
            .unary { try await node.ledger.read { node.balance($0) } }
        },
    ]
}

/// One event, then nothing more until the end.
actor FirstThenQuiet: EventSource {
    private var first: JSON?
    private let rest: QuietEvents

    init(_ first: JSON, bell: Bell) {
        self.first = first
        rest = QuietEvents(bell: bell)
    }

    func next() async -> JSON? {
        guard let event = first else { return await rest.next() }
        first = nil
        return event
    }

    nonisolated func end() { rest.end() }
}

extension Node {
    func info(_ state: LedgerState) -> JSON {
        let account = state.accounts[self.account]
        let neighbours = state.accounts.count - 1
        return [
            "version": .string(NodeFacts.version),
            "commit_hash": "",
            "identity_pubkey": .string(account.identity.hex),
            "alias": .string(account.name),
            "color": .string(NodeFacts.color),
            "num_pending_channels": 0,
            "num_active_channels": .integer(neighbours),
            "num_inactive_channels": 0,
            "num_peers": .integer(neighbours),
            "block_height": .integer(NodeFacts.blockHeight),
            "block_hash": .string(NodeFacts.blockHash),
            "best_header_timestamp": .text(clock.now),
            "synced_to_chain": true,
            "synced_to_graph": true,
            "testnet": .bool(state.network == .testnet),
            "chains": [["chain": "bitcoin", "network": .string(state.network.rawValue)]],
            "uris": .array(uris.map { .string($0) }),
            "features": Features.json(Features.node),
            "require_htlc_interceptor": false,
            "store_final_htlc_resolutions": false,
            "wallet_synced": true,
            "graph_cache_status": "GRAPH_CACHE_STATUS_LOADED",
        ]
    }

    func balance(_ state: LedgerState) -> JSON {
        let own = state.accounts[account].msat
        let remote = state.accounts.reduce(0) { $0 + $1.msat } - own
        return [
            "balance": .text(own / 1000),
            "pending_open_balance": "0",
            "local_balance": Self.amount(own),
            "remote_balance": Self.amount(remote),
            "unsettled_local_balance": Self.amount(0),
            "unsettled_remote_balance": Self.amount(0),
            "pending_open_local_balance": Self.amount(0),
            "pending_open_remote_balance": Self.amount(0),
            "custom_channel_data": "",
        ]
    }

    private static func amount(_ msat: Int64) -> JSON { ["sat": .text(msat / 1000), "msat": .text(msat)] }

    /// The account's channels: one to every other account, among which its balance is shared out evenly.
    func channels(_ state: LedgerState) -> [NeighbourChannel] {
        state.accounts.indices.filter { $0 != account }.map { NeighbourChannel(state, from: account, to: $0) }
    }
}
