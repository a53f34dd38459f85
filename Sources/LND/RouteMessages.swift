// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives

struct WireRoutes: Decodable {
    let routes: [WireRoute]?
    let success_prob: Double?
}

/// LND's message `Route`; what is not read is not sent either, which LND accepts.
struct WireRoute: Codable {
    struct Hop: Codable {
        struct PaymentRecord: Codable {
            let payment_addr: String
            let total_amt_msat: String
        }

        let chan_id: TextNumber<UInt64>
        let pub_key: String
        let amt_to_forward_msat: TextNumber<Int64>
        let fee_msat: TextNumber<Int64>
        let expiry: TextNumber<Int64>
        var tlv_payload = true
        var mpp_record: PaymentRecord?

        private enum CodingKeys: String, CodingKey {
            case chan_id, pub_key, amt_to_forward_msat, fee_msat, expiry, tlv_payload, mpp_record
        }

        init(_ hop: PaymentRoute.Hop) {
            chan_id = TextNumber(hop.channel.rawValue)
            pub_key = hop.node.hex
            amt_to_forward_msat = TextNumber(hop.amountToForward.msat)
            fee_msat = TextNumber(hop.fee.msat)
            expiry = TextNumber(Int64(hop.expiry))
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            chan_id = try container.decode(TextNumber<UInt64>.self, forKey: .chan_id)
            pub_key = try container.decode(String.self, forKey: .pub_key)
            amt_to_forward_msat = try container.decode(TextNumber<Int64>.self, forKey: .amt_to_forward_msat)
            fee_msat = try container.decode(TextNumber<Int64>.self, forKey: .fee_msat)
            expiry = try container.decode(TextNumber<Int64>.self, forKey: .expiry)
        }

        var hop: PaymentRoute.Hop? {
            guard let node = NodeID(hex: pub_key), amt_to_forward_msat.value >= 0, fee_msat.value >= 0 else {
                return nil
            }
            return PaymentRoute.Hop(
                channel: ShortChannelID(rawValue: chan_id.value),
                node: node,
                amountToForward: MilliSatoshi(msat: amt_to_forward_msat.value),
                fee: MilliSatoshi(msat: fee_msat.value),
                expiry: Int(clamping: expiry.value)
            )
        }
    }

    var hops: [Hop]
    let total_time_lock: TextNumber<Int64>
    let total_fees_msat: TextNumber<Int64>
    let total_amt_msat: TextNumber<Int64>

    init(_ route: PaymentRoute) {
        hops = route.hops.map(Hop.init)
        total_time_lock = TextNumber(Int64(route.totalTimeLock))
        total_fees_msat = TextNumber(route.totalFees.msat)
        total_amt_msat = TextNumber(route.totalAmount.msat)
    }

    /// The route, or `nil` when a hop of it makes no sense.
    var route: PaymentRoute? {
        let read = hops.compactMap(\.hop)
        guard read.count == hops.count else { return nil }
        return PaymentRoute(
            hops: read,
            totalTimeLock: Int(clamping: total_time_lock.value),
            totalFees: MilliSatoshi(msat: total_fees_msat.value),
            totalAmount: MilliSatoshi(msat: total_amt_msat.value)
        )
    }
}

struct WireSendToRoute: Encodable {
    let payment_hash: String
    let route: WireRoute
    /// Without it LND penalises the failing pair for the next payment only after a second failure.
    let skip_temp_err: Bool
}

struct WireAttempt: Decodable {
    struct Failure: Decodable {
        let code: String?
        let failure_source_index: TextNumber<Int64>?
    }

    let status: String?
    let route: WireRoute?
    let failure: Failure?
    let preimage: String?
    let resolve_time_ns: TextNumber<Int64>?

    /// The attempt, or `nil` when it has no status or route that can be read.
    var attempt: HTLCAttempt? {
        guard let status = status.flatMap({ HTLCAttempt.Status(rawValue: $0) }), let route = route?.route else {
            return nil
        }
        let failed = failure.map {
            HTLCFailure(
                code: HTLCFailure.Code(rawValue: $0.code ?? ""),
                sourceIndex: Int(clamping: $0.failure_source_index?.value ?? 0)
            )
        }
        return HTLCAttempt(
            status: status,
            route: route,
            failure: failed,
            preimage: preimage.flatMap { Base64.decode($0) }.flatMap { Preimage($0) },
            resolvedAtNs: resolve_time_ns?.value ?? 0
        )
    }
}

struct WireMissionControl: Decodable {
    struct Pair: Decodable {
        struct History: Decodable {
            let fail_time: TextNumber<Int64>?
            let fail_amt_msat: TextNumber<Int64>?
            let success_time: TextNumber<Int64>?
            let success_amt_msat: TextNumber<Int64>?
        }

        let node_from: String
        let node_to: String
        let history: History?

        var pair: PairHistory? {
            guard let from = Base64.decode(node_from).flatMap({ NodeID($0) }),
                let to = Base64.decode(node_to).flatMap({ NodeID($0) }), let history
            else { return nil }
            return PairHistory(
                from: from,
                to: to,
                failedAt: history.fail_time?.value ?? 0,
                failedAmount: MilliSatoshi(msat: history.fail_amt_msat?.value ?? 0),
                succeededAt: history.success_time?.value ?? 0,
                succeededAmount: MilliSatoshi(msat: history.success_amt_msat?.value ?? 0)
            )
        }
    }

    let pairs: [Pair]
}

struct WireEstimate: Decodable {
    let routing_fee_msat: TextNumber<Int64>
    let time_lock_delay: TextNumber<Int64>
    let failure_reason: String?

    var estimate: FeeEstimate {
        FeeEstimate(
            fee: MilliSatoshi(msat: routing_fee_msat.value),
            timeLock: time_lock_delay.value,
            failure: failure_reason.flatMap { PaymentFailure(rawValue: $0) }
        )
    }
}

struct WireNetwork: Decodable {
    let num_nodes: Int
    let num_channels: Int
    let total_network_capacity: TextNumber<Int64>
    let num_zombie_chans: TextNumber<Int64>?

    var facts: NetworkFacts {
        let supply = MilliSatoshi.supply.satFloor
        return NetworkFacts(
            nodes: num_nodes,
            channels: num_channels,
            capacity: .sat(min(max(0, total_network_capacity.value), supply)),
            zombieChannels: num_zombie_chans?.value ?? 0
        )
    }
}
