// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import LightningPrimitives

extension Endpoint {
    /// Attempts along given routes, and what they teach.
    static let router = [
        Endpoint(.post, "/v2/router/route/send", "/routerrpc.Router/SendToRouteV2", prepare: sendToRoute),
        Endpoint(.get, "/v2/router/mc", "/routerrpc.Router/QueryMissionControl") { node, _, _ in
            .unary { node.missionControl.json }
        },
        Endpoint(.post, "/v2/router/route/estimatefee", "/routerrpc.Router/EstimateRouteFee", prepare: estimateFee),
    ]

    private static func sendToRoute(_ node: Node, _: Arguments, _ body: [UInt8]) throws(RPCError) -> Operation {
        let fields: Set<String> = ["payment_hash", "route", "skip_temp_err", "first_hop_custom_records"]
        let message = try Message(body, fields: fields)
        let hash = try message.bytes("payment_hash") ?? []
        _ = try message.bool("skip_temp_err")
        let route = message["route"]
        return .unary {
            guard let elements = route?["hops"]?.elements, !elements.isEmpty else {
                throw RPCError("unable to send, no routes provided")
            }
            guard elements.count <= 20 else { throw RPCError("a route has at most 20 hops") }
            guard hash.count == 32 else { throw RPCError("invalid payment hash length of \(hash.count), want 32") }
            var hops: [SentHop] = []
            for element in elements { hops.append(try SentHop(element)) }
            return try await node.attempt(hops, hash: HexBytes(hash))
        }
    }

    private static func estimateFee(_ node: Node, _: Arguments, _ body: [UInt8]) throws(RPCError) -> Operation {
        let message = try Message(body, fields: ["dest", "amt_sat", "payment_request", "timeout"])
        let target = try message.bytes("dest") ?? []
        let sat: Int64 = try message.integer("amt_sat", "int64")
        let text = try message.string("payment_request")
        _ = try message.integer("timeout", "uint32") as UInt32
        return .unary {
            let invoice = text.isEmpty ? nil : try PaymentRequest.read(text)
            guard let target = invoice?.payee ?? NodeID(target) else { throw RPCError("invalid destination") }
            let msat = try invoice?.amount?.msat ?? amount(sat: sat, msat: 0)
            guard msat > 0 else { throw RPCError("amount must be greater than 0") }
            let found = try await node.route(RouteQuery(target: target, msat: msat))
            return [
                "routing_fee_msat": .text(found?.route.feesMsat ?? 0),
                "time_lock_delay": .text(found?.route.totalTimeLock ?? 0),
                "failure_reason": found == nil ? "FAILURE_REASON_NO_ROUTE" : "FAILURE_REASON_NONE",
            ]
        }
    }
}

extension Node {
    /// Tries a route: an HTLC that arrives is settled if the payee has an invoice for it, and otherwise refused.
    func attempt(_ hops: [SentHop], hash: HexBytes) async throws -> JSON {
        let (own, payee) = try await ledger.read { state in
            (state.accounts[account], state.accounts.firstIndex { $0.identity == hops.last?.node })
        }
        let isNeighbour = hops.count == 1 && payee.map { LedgerState.channelID(account, $0) } == hops[0].channelID
        let hubChannel = LedgerState.channelID(account, 255)
        var failure = try await graph.search { loaded -> ForwardingFailure? in
            let hub = loaded.index.hub.map { loaded.index.vertices[$0].id }
            guard isNeighbour || (hops[0].channelID == hubChannel && hops[0].node == hub) else {
                return ForwardingFailure(code: "UNKNOWN_NEXT_PEER", source: 0)
            }
            guard hops[0].carriedMsat <= own.msat else {
                return ForwardingFailure(code: "TEMPORARY_CHANNEL_FAILURE", source: 0)
            }
            return loaded.index.forward(hops)
        }
        missionControl.learn(from: hops, source: own.identity, failedHop: failure?.source, now: clock.now)
        var preimage: HexBytes?
        if failure == nil {
            preimage = isNeighbour ? try await settle(hops[0], hash: hash, payee: payee ?? account) : nil
            if preimage == nil {
                failure = ForwardingFailure(code: "INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS", source: hops.count)
            }
        }
        return attemptJSON(hops, failure: failure, preimage: preimage)
    }

    /// Pays the invoice of a neighbour that the last hop's record names; `nil` when there is none to be paid.
    private func settle(_ hop: SentHop, hash: HexBytes, payee: Int) async throws -> HexBytes? {
        let invoice = try await ledger.read { $0.accounts[payee].invoice(hash) }
        guard let invoice, invoice.paymentAddress.base64 == hop.paymentAddress, invoice.msat > 0,
            hop.forwardMsat >= invoice.msat
        else { return nil }
        let order = PaymentOrder(invoice: try PaymentRequest.read(invoice.paymentRequest))
        let payment = try? await ledger.change { (state) throws(RPCError) in
            try state.pay(order, payer: account, nowNs: clock.nowNs)
        }
        return payment?.preimage
    }

    private func attemptJSON(_ hops: [SentHop], failure: ForwardingFailure?, preimage: HexBytes?) -> JSON {
        let route = Route(hops: hops.map(\.routeHop), totalTimeLock: NodeFacts.blockHeight + NodeFacts.finalDelta)
        let failed: JSON? = failure.map { failure in
            [
                "code": .string(failure.code),
                "channel_update": .null,
                "htlc_msat": "0",
                "onion_sha_256": "",
                "cltv_expiry": 0,
                "flags": 0,
                "failure_source_index": .integer(failure.source),
                "height": .integer(NodeFacts.blockHeight),
            ]
        }
        return [
            "attempt_id": "1",
            "status": failure == nil ? "SUCCEEDED" : "FAILED",
            "route": route.json(isSent: true),
            "attempt_time_ns": .text(clock.nowNs),
            "resolve_time_ns": .text(clock.nowNs),
            "failure": failed ?? .null,
            "preimage": .string(preimage?.base64 ?? ""),
        ]
    }
}
