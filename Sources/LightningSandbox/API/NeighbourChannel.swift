// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import LightningPrimitives

/// A channel between two accounts of the sandbox.
struct NeighbourChannel: Sendable {
    let id: UInt64
    let local: NodeID
    let remote: NodeID
    let isInitiator: Bool
    let localSat: Int64
    let remoteSat: Int64

    init(_ state: LedgerState, from one: Int, to other: Int) {
        let share = Int64(max(1, state.accounts.count - 1))
        id = LedgerState.channelID(one, other)
        local = state.accounts[one].identity
        remote = state.accounts[other].identity
        isInitiator = one < other
        localSat = state.accounts[one].msat / 1000 / share
        remoteSat = state.accounts[other].msat / 1000 / share
    }

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
