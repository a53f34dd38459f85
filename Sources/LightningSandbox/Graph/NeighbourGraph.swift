// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// The graph of the sandbox's own accounts, for when no graph file is given.
enum NeighbourGraph {
    static func document(_ state: LedgerState, now: Int64) -> JSON {
        let nodes = state.accounts.map { account -> JSON in
            [
                "last_update": .integer(Int(now)),
                "pub_key": .string(account.identity.hex),
                "alias": .string(account.name),
                "addresses": [],
                "color": .string(NodeFacts.color),
                "features": Features.json(Features.node),
                "custom_records": [:],
            ]
        }
        let edges = state.accounts.indices.flatMap { one in
            state.accounts.indices.filter { $0 > one }.map { edge(one, $0, state, now: now) }
        }
        return ["nodes": .array(nodes), "edges": .array(edges)]
    }

    private static func edge(_ one: Int, _ other: Int, _ state: LedgerState, now: Int64) -> JSON {
        let channel = NeighbourChannel(state, from: one, to: other)
        let keys = [channel.local.hex, channel.remote.hex].sorted()
        return [
            "channel_id": .text(channel.id),
            "chan_point": .string(channel.point),
            "last_update": .integer(Int(now)),
            "node1_pub": .string(keys[0]),
            "node2_pub": .string(keys[1]),
            "capacity": .text(channel.capacitySat),
            "node1_policy": policy(channel, now: now),
            "node2_policy": policy(channel, now: now),
            "custom_records": [:],
            "auth_proof": .null,
        ]
    }

    private static func policy(_ channel: NeighbourChannel, now: Int64) -> JSON {
        [
            "time_lock_delta": 80,
            "min_htlc": "1",
            "fee_base_msat": "0",
            "fee_rate_milli_msat": "0",
            "disabled": false,
            "max_htlc_msat": .text(channel.capacitySat * 1000),
            "last_update": .integer(Int(now)),
            "custom_records": [:],
            "inbound_fee_base_msat": 0,
            "inbound_fee_rate_milli_msat": 0,
        ]
    }
}
