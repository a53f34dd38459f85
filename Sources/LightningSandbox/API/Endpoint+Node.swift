// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
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
        let share = Int64(max(1, state.accounts.count - 1))
        return state.accounts.indices.filter { $0 != account }.map { other in
            NeighbourChannel(
                id: LedgerState.channelID(account, other),
                local: state.accounts[account].identity,
                remote: state.accounts[other].identity,
                isInitiator: account < other,
                localSat: state.accounts[account].msat / 1000 / share,
                remoteSat: state.accounts[other].msat / 1000 / share
            )
        }
    }
}

/// A channel between two accounts of the sandbox.
struct NeighbourChannel: Sendable {
    let id: UInt64
    let local: NodeID
    let remote: NodeID
    let isInitiator: Bool
    let localSat: Int64
    let remoteSat: Int64

    var capacitySat: Int64 { localSat + remoteSat }

    /// A funding output as real ones look, made from the two keys.
    var point: String {
        let keys = [local, remote].sorted()
        let digest = SHA256.hash(data: keys[0].bytes + keys[1].bytes)
        return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() + ":0"
    }

    var json: JSON {
        [
            "active": true,
            "remote_pubkey": .string(remote.hex),
            "channel_point": .string(point),
            "chan_id": .text(id),
            "capacity": .text(capacitySat),
            "local_balance": .text(localSat),
            "remote_balance": .text(remoteSat),
            "commit_fee": "0",
            "commit_weight": "1116",
            "fee_per_kw": "1250",
            "unsettled_balance": "0",
            "total_satoshis_sent": "0",
            "total_satoshis_received": "0",
            "num_updates": "0",
            "pending_htlcs": [],
            "csv_delay": 144,
            "private": false,
            "initiator": .bool(isInitiator),
            "chan_status_flags": "ChanStatusDefault",
            "local_chan_reserve_sat": "0",
            "remote_chan_reserve_sat": "0",
            "static_remote_key": false,
            "commitment_type": "ANCHORS",
            "lifetime": "0",
            "uptime": "0",
            "close_address": "",
            "push_amount_sat": "0",
            "thaw_height": 0,
            "local_constraints": constraints,
            "remote_constraints": constraints,
            "alias_scids": [],
            "zero_conf": false,
            "zero_conf_confirmed_scid": "0",
            "peer_alias": "",
            "peer_scid_alias": "0",
            "memo": "",
            "custom_channel_data": "",
        ]
    }

    private var constraints: JSON {
        [
            "csv_delay": 144,
            "chan_reserve_sat": "0",
            "dust_limit_sat": "354",
            "max_pending_amt_msat": .text(capacitySat * 1000),
            "min_htlc_msat": "1",
            "max_accepted_htlcs": 483,
        ]
    }
}
