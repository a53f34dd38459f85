// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
internal import Gate
internal import HTTPTypes
internal import IPAddresses
internal import Ledger
internal import LightningPrimitives
internal import Metrics
public import OutboundHTTP
public import ServiceProbing

/// What the routes of probes need.
public struct ProbeCounter: Sendable {
    let desk: ProbeDesk
    let endpoints: EndpointStore
    let prices: ProbePrices
    let policy: AddressPolicy
    /// How long a caller waits for the result before it gets a number instead.
    let patience: Duration

    public init(
        desk: ProbeDesk,
        endpoints: EndpointStore,
        prices: ProbePrices,
        policy: AddressPolicy,
        patience: Duration = .seconds(25)
    ) {
        self.desk = desk
        self.endpoints = endpoints
        self.prices = prices
        self.policy = policy
        self.patience = patience
    }
}

extension APIRoute {
    /// Probes of any L402 service, done by the crawler: the API has no key to a wallet.
    public static func probes(_ counter: ProbeCounter) -> [APIRoute] {
        let product = PaidProduct.probe(counter.prices.look)
        let probe = APIRoute(
            .post,
            "/api/probe",
            limiter: .global,
            documentation: RouteDocumentation(
                """
                Buy once from an L402 service and tell how every stage went. The price in the challenge is a base price, \
                what the target may ask for and the fee limit; what is not used stays on the token. 202 when it takes \
                longer: read GET /api/probe/{id}
                """,
                bodyExample: """
                    {"url": "https://example.com/paid", "max_sats": 10, "dry_run": false, "include_credential": false}
                    """,
                answer: .probe,
                accepted: "Under way: read GET /api/probe/{id}, which Location names",
                unavailable: "the probe could not be made on our side"
            ),
            access: .quoted(product) { request in
                let wish = try ProbeWish(request, counter)
                let held = try await wish.price(counter)
                return (
                    PaidProduct.probe(held),
                    { grant in
                        // A caller that hangs up does not stop a payment, so it must not stop the charge either.
                        try await Task { try await counter.serve(wish, held: held, grant) }.value
                    }
                )
            }
        )
        let result = APIRoute(
            .get,
            "/api/probe/{id}",
            limiter: .token,
            documentation: RouteDocumentation(
                "How a probe stands that took longer than its caller waited",
                answer: .probe
            ),
            access: .free { request in
                guard let id = ProbeID(request.parameter("id")), let status = try await counter.desk.status(id) else {
                    throw APIError.notFound("probe")
                }
                var response = try APIResponse.data(
                    ProbeAnswer(id: id, state: status.state, result: status.result, cost: counter.cost(status))
                )
                response.headers[.cacheControl] = "private, no-store"
                return response
            }
        )
        return [probe, result]
    }
}

extension PaidProduct {
    /// A probe at a price.
    ///
    /// Deposits pay it in full, because it is passed on, and what is left over goes back to a token,
    /// which a payment for one request does not have.
    fileprivate static func probe(_ price: MilliSatoshi) -> PaidProduct {
        var product = PaidProduct(
            capability: "probe",
            price: price,
            method: "POST",
            pathPrefix: "/api/probe",
            schemes: .l402
        )
        product.allowsDepositRate = false
        return product
    }
}

/// What a caller asks for, checked as far as it can be without asking anybody.
private struct ProbeWish: Sendable {
    private struct Body: Decodable {
        let url: String
        let max_sats: Int64?
        let dry_run: Bool?
        let include_credential: Bool?
    }

    let url: String
    let isDryRun: Bool
    let includesCredential: Bool
    /// Where it comes from: within a network addresses cost nothing.
    let source: String?
    /// What the target may ask for, if the caller says so.
    let maximum: MilliSatoshi?

    init(_ request: APIRequest, _ counter: ProbeCounter) throws(APIError) {
        let body = try request.decoded(Body.self)
        guard body.url.utf8.count <= 500 else {
            throw APIError(.validationError, "url must have at most 500 bytes", details: ["field": "url"])
        }
        do {
            let url = try OutboundURL(body.url)
            guard counter.policy.allows(port: url.port) else { throw OutboundRefusal.port(url.port) }
            if case .address(let address) = url.host, !counter.policy.allows(address) { throw OutboundRefusal.address }
        } catch {
            throw APIError(.validationError, "url: \(error)", details: ["field": "url"])
        }
        let most = counter.prices.maximum.satFloor
        if let sats = body.max_sats, !(1...most).contains(sats) {
            throw APIError(.validationError, "max_sats must be 1 to \(most)", details: ["field": "max_sats"])
        }
        url = body.url
        isDryRun = body.dry_run ?? false
        includesCredential = body.include_credential ?? false
        maximum = body.max_sats.map { .sat($0) }
        source = request.client.map { "\($0.network(v4: 24, v6: 48))" }
    }

    /// What is held: the base price, what the target may ask for, and the routing fee.
    ///
    /// Without a word from the caller a target of the catalogue may ask for what it asked last, any other for the most
    /// that probes pay.
    func price(_ counter: ProbeCounter) async throws -> MilliSatoshi {
        guard !isDryRun else { return counter.prices.look }
        return counter.prices.base + (try await amount(counter)) + counter.prices.feeLimit
    }

    /// What the target may ask for.
    private func amount(_ counter: ProbeCounter) async throws -> MilliSatoshi {
        if let maximum { return maximum }
        let known = try? await counter.endpoints.find(url: url)
        guard let known, known.url == url, let price = known.price else { return counter.prices.maximum }
        guard price <= counter.prices.maximum else {
            throw APIError(
                .validationError,
                "the service asked for \(price.satCeiling) sat last, more than a probe pays",
                details: ["field": "url"]
            )
        }
        return price
    }
}

extension ProbeCounter {
    fileprivate func serve(_ wish: ProbeWish, held: MilliSatoshi, _ grant: Grant) async throws -> APIResponse {
        let order = ProbeOrder(
            url: wish.url,
            isDryRun: wish.isDryRun,
            includesCredential: wish.includesCredential,
            maximum: wish.isDryRun ? .zero : MilliSatoshi(msat: held.msat - prices.base.msat - prices.feeLimit.msat),
            feeLimit: prices.feeLimit,
            holder: Self.payment(grant).map { Array(SHA256.hash(data: $0.paymentHash.bytes)) },
            source: Self.payment(grant) == nil ? nil : wish.source
        )
        guard var status = try await desk.submit(order, deadline: patience) else {
            Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "probe")]).increment()
            throw APIError.retryLater(
                .probeRateLimited,
                "No more probes for you in this hour; nothing was charged.",
                seconds: 600
            )
        }
        if status.state == .running || status.result?.outcome == "pay_unknown" {
            guard let payment = Self.payment(grant) else { return try accepted(order) }
            // Charged in full now; what is not used is given back when the probe has ended, if this hold is settled.
            if try await desk.noteCharge(order.id, payment.amount, hold: payment.hold) { return try accepted(order) }
            status = try await desk.status(order.id) ?? status
        }
        return try answer(order.id, status, held: held)
    }

    private static func payment(_ grant: Grant) -> PaidGrant? {
        if case .paid(let paid) = grant { paid } else { nil }
    }

    private func answer(_ id: ProbeID, _ status: ProbeStatus, held: MilliSatoshi) throws -> APIResponse {
        guard status.state == .done, let result = status.result, status.billing != .none else {
            let outcome = status.result?.outcome ?? "not_taken"
            Counter(label: "probe_total", dimensions: [("outcome", "probe_unavailable")]).increment()
            throw APIError(
                .probeUnavailable,
                "The probe could not be made on our side; nothing was charged.",
                details: ["outcome": outcome],
                headers: [.retryAfter: "60"]
            )
        }
        let due = prices.due(status.billing, spent: status.spent, held: held)
        let cost = ProbeAnswer.Cost(
            creditsDeducted: due.satCeiling,
            chargedMsat: due.msat,
            spentMsat: status.spent.msat,
            heldMsat: held.msat
        )
        var response = try APIResponse.data(ProbeAnswer(id: id, state: .done, result: result, cost: cost))
        response.meteredPrice = due
        return response
    }

    private func accepted(_ order: ProbeOrder) throws -> APIResponse {
        let path = "/api/probe/\(order.id)"
        var response = try APIResponse.data(
            ProbeAnswer(id: order.id, state: .running, result: nil, cost: nil),
            status: .accepted
        )
        response.headers[.location] = path
        response.headers[.retryAfter] = "5"
        return response
    }

    /// What a probe has come to, for who asks later.
    fileprivate func cost(_ status: ProbeStatus) -> ProbeAnswer.Cost? {
        guard status.state == .done else { return nil }
        let due = prices.due(status.billing, spent: status.spent, held: .supply)
        return ProbeAnswer.Cost(
            creditsDeducted: due.satCeiling,
            chargedMsat: due.msat,
            spentMsat: status.spent.msat,
            heldMsat: nil
        )
    }
}
