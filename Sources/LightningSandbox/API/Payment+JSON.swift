// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

extension Payment {
    /// A moment in the life of a payment, as LND's streams tell it.
    enum Moment: Sendable, Hashable {
        /// Accepted, no attempt made.
        case initiated
        /// The attempt is on its way.
        case attempted
        /// Refused by the payee: the reason is there already, the final status not yet.
        case refused
        case over
    }

    /// The moments a stream tells, in order.
    var moments: [Moment] {
        guard attempt != nil else { return [.initiated, .over] }
        return failure == nil ? [.initiated, .attempted, .over] : [.initiated, .attempted, .refused, .over]
    }

    /// The payment as LND's message `Payment`.
    func json(_ moment: Moment) -> JSON {
        let isOver = moment == .over
        let status = isOver ? (failure == nil ? "SUCCEEDED" : "FAILED") : "IN_FLIGHT"
        let proof = isOver ? preimage?.hex : nil
        let reason = isOver || moment == .refused ? failure?.rawValue : nil
        return [
            "payment_hash": .string(hash.hex),
            "value": .text(msat / 1000),
            "creation_date": .text(creationTimeNs / 1_000_000_000),
            "fee": "0",
            "payment_preimage": .string(proof ?? String(repeating: "0", count: 64)),
            "value_sat": .text(msat / 1000),
            "value_msat": .text(msat),
            "payment_request": .string(paymentRequest),
            "status": .string(status),
            "fee_sat": "0",
            "fee_msat": "0",
            "creation_time_ns": .text(creationTimeNs),
            "htlcs": .array(moment == .initiated ? [] : attempts(isOver: isOver)),
            "payment_index": .text(index),
            "failure_reason": .string(reason ?? Self.noFailure),
            "first_hop_custom_records": [:],
        ]
    }

    private static let noFailure = "FAILURE_REASON_NONE"

    private func attempts(isOver: Bool) -> [JSON] {
        guard let attempt else { return [] }
        let hop = RouteHop(
            channelID: attempt.channelID,
            destination: attempt.destination,
            forwardMsat: msat,
            feeMsat: 0,
            expiry: NodeFacts.blockHeight + NodeFacts.finalDelta,
            paymentAddress: attempt.paymentAddress.base64
        )
        let route = Route(hops: [hop], totalTimeLock: NodeFacts.blockHeight + NodeFacts.finalDelta)
        return [
            [
                "attempt_id": .text(index),
                "status": .string(isOver ? (failure == nil ? "SUCCEEDED" : "FAILED") : "IN_FLIGHT"),
                "route": route.json(isSent: true),
                "attempt_time_ns": .text(creationTimeNs),
                "resolve_time_ns": .text(isOver ? resolveTimeNs : 0),
                "failure": isOver && failure != nil ? Self.unknownDetails : .null,
                "preimage": .string(isOver ? preimage?.base64 ?? "" : ""),
            ]
        ]
    }

    private static let unknownDetails: JSON = [
        "code": "INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS",
        "channel_update": .null,
        "htlc_msat": "0",
        "onion_sha_256": "",
        "cltv_expiry": 0,
        "flags": 0,
        "failure_source_index": 1,
        "height": .integer(NodeFacts.blockHeight),
    ]
}

/// A way through the network, as LND's message `Route`.
struct Route: Sendable, Hashable {
    let hops: [RouteHop]
    /// A block height.
    let totalTimeLock: Int

    var feesMsat: Int64 { hops.reduce(0) { $0 + $1.feeMsat } }

    func json(isSent: Bool) -> JSON {
        let fees = feesMsat
        let total = fees + (hops.last?.forwardMsat ?? 0)
        return [
            "total_time_lock": .integer(totalTimeLock),
            "total_fees": .text(fees / 1000),
            "total_amt": .text(total / 1000),
            "hops": .array(hops.map { $0.json(totalMsat: hops.last?.forwardMsat ?? 0) }),
            "total_fees_msat": .text(fees),
            "total_amt_msat": .text(total),
            "first_hop_amount_msat": .text(isSent ? total : 0),
            "custom_channel_data": "",
        ]
    }
}

/// One channel of a route.
struct RouteHop: Sendable, Hashable {
    let channelID: UInt64
    /// The node at its far end, in hex.
    let destination: String
    /// What that node passes on.
    let forwardMsat: Int64
    /// What that node keeps.
    let feeMsat: Int64
    /// The time lock the node's successor gets, a block height.
    let expiry: Int
    /// Base64; `nil` in routes that are only asked for, and in all hops but the last.
    let paymentAddress: String?

    func json(totalMsat: Int64) -> JSON {
        let record: JSON? = paymentAddress.map { address in
            ["payment_addr": .string(address), "total_amt_msat": .text(totalMsat)]
        }
        return [
            "chan_id": .text(channelID),
            // LND puts the amount here, not the capacity.
            "chan_capacity": .text((forwardMsat + feeMsat) / 1000),
            "amt_to_forward": .text(forwardMsat / 1000),
            "fee": .text(feeMsat / 1000),
            "expiry": .integer(expiry),
            "amt_to_forward_msat": .text(forwardMsat),
            "fee_msat": .text(feeMsat),
            "pub_key": .string(destination),
            "tlv_payload": true,
            "mpp_record": record ?? .null,
            "amp_record": .null,
            "custom_records": [:],
            "metadata": "",
            "blinding_point": "",
            "encrypted_data": "",
            "total_amt_msat": "0",
        ]
    }
}
