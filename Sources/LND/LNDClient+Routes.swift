// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
public import LightningPrimitives

extension LNDClient {
    /// Asks for a route; permission `info:read`, or `uri:/lnrpc.Lightning/QueryRoutes`.
    ///
    /// - Throws: ``LNDError``. Meaning `noRoute`: LND knows no path. Meaning `insufficientLocalBalance`: our own channels
    ///   cannot send it, which says nothing about the target. Anything else: nothing follows.
    public func queryRoutes(_ query: RouteQuery) async throws(LNDError) -> RouteAnswer {
        let wire: WireRoutes = try await unary(
            .queryRoutes,
            query.path,
            deadline: transport.configuration.deadlines.read
        )
        guard let route = wire.routes?.first?.route, !route.hops.isEmpty else {
            throw LNDError.unreadable(.queryRoutes, "an answer without a readable route")
        }
        return RouteAnswer(route: route, successProbability: min(1, max(0, wire.success_prob ?? 0)))
    }

    /// Sends one HTLC along a route and waits for its outcome; permission `offchain:write`, or
    /// `uri:/routerrpc.Router/SendToRouteV2`.
    ///
    /// - Parameters:
    ///   - hash: of which the payee has to know the preimage.
    ///   - paymentSecret: from the invoice, 32 bytes; a random one when `nil`.
    ///   - patience: for the whole exchange; afterwards the HTLC's state is unknown and its money may stay locked.
    /// - Throws: ``LNDError``; after a `transport` error the outcome is unknown.
    public func sendToRoute(
        _ route: PaymentRoute,
        hash: PaymentHash,
        paymentSecret: [UInt8]? = nil,
        within patience: Duration = .seconds(60)
    ) async throws(LNDError) -> HTLCAttempt {
        var wire = WireRoute(route)
        if let last = route.hops.last {
            wire.hops[wire.hops.count - 1].mpp_record = WireRoute.Hop.PaymentRecord(
                payment_addr: Base64.encode(paymentSecret ?? Preimage.random().bytes),
                total_amt_msat: String(last.amountToForward.msat)
            )
        }
        let body = WireSendToRoute(payment_hash: Base64.encode(hash.bytes), route: wire, skip_temp_err: true)
        let answer: WireAttempt = try await unary(
            .sendToRoute,
            "/v2/router/route/send",
            body: body,
            deadline: patience
        )
        guard let attempt = answer.attempt else { throw LNDError.unreadable(.sendToRoute, "an unreadable attempt") }
        return attempt
    }

    /// Sends an HTLC with a random payment hash, which nobody can settle, to learn what the route can carry;
    /// permission as for ``sendToRoute(_:hash:paymentSecret:within:)``.
    ///
    /// The failure `unknownPaymentDetails` of the payee says that every channel of the route could carry the amount;
    /// one of an earlier node is about the channel behind it. Nothing is paid, but the amount is locked meanwhile.
    public func probe(_ route: PaymentRoute, within patience: Duration = .seconds(60)) async throws(LNDError)
        -> HTLCAttempt
    {
        // The hash is drawn itself, not made from a preimage that somebody could hold.
        guard let hash = PaymentHash(Preimage.random().bytes) else {
            throw LNDError.unreadable(.sendToRoute, "no random hash")
        }
        return try await sendToRoute(route, hash: hash, within: patience)
    }

    /// Reads what the node has learnt from payments; permission `offchain:read`, or
    /// `uri:/routerrpc.Router/QueryMissionControl`.
    public func queryMissionControl() async throws(LNDError) -> [PairHistory] {
        let wire: WireMissionControl = try await unary(
            .missionControl,
            "/v2/router/mc",
            deadline: transport.configuration.deadlines.read
        )
        return wire.pairs.compactMap(\.pair)
    }

    /// Estimates the fee to a node from the graph, without sending anything; permission `offchain:read`, or
    /// `uri:/routerrpc.Router/EstimateRouteFee`.
    ///
    /// - Parameter sat: at least 1.
    public func estimateRouteFee(to node: NodeID, sat: Int64) async throws(LNDError) -> FeeEstimate {
        let body = ["dest": Base64.encode(node.bytes), "amt_sat": String(sat)]
        let wire: WireEstimate = try await unary(
            .estimateFee,
            "/v2/router/route/estimatefee",
            body: body,
            deadline: transport.configuration.deadlines.read
        )
        return wire.estimate
    }

    /// Reads the size of the network as the node sees it; permission `info:read`, or
    /// `uri:/lnrpc.Lightning/GetNetworkInfo`.
    public func networkFacts() async throws(LNDError) -> NetworkFacts {
        let wire: WireNetwork = try await unary(
            .networkInfo,
            "/v1/graph/info",
            deadline: transport.configuration.deadlines.networkInfo
        )
        return wire.facts
    }
}

extension LNDError {
    /// A 2xx answer that is JSON of the right kind and yet says nothing.
    static func unreadable(_ call: LNDCall, _ detail: String) -> LNDError {
        LNDError(errorClass: .transport, meaning: nil, call: call.name, grpcCode: nil, detail: detail)
    }
}
