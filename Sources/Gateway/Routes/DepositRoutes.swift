// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Gate
internal import HTTPTypes
internal import L402
internal import Ledger
internal import LightningPrimitives
internal import Metrics

private struct TierAnswer: Encodable {
    let tierId: Int
    let minDepositSats: Int64
    let rateSatsPerRequest: Double
    let discountPct: Int
    let requestsPerDeposit: Int64

    init(_ tier: DepositTier) {
        tierId = tier.id
        minDepositSats = tier.minimumSats
        rateSatsPerRequest = tier.rateSatsPerRequest
        discountPct = tier.discountPercent
        requestsPerDeposit = tier.requestsPerDeposit
    }
}

/// The first step: an invoice to pay.
private struct DepositOffer: Encodable {
    struct Data: Encodable {
        let invoice: String
        let macaroon: String
        let paymentHash: String
        let amount: Int64
        let quotaGranted: Int64
        let tierId: Int
        let rateSatsPerRequest: Double
        let discountPct: Int
        let expiresIn: Int
        let expiresAt: Int64
        let instructions: String
    }
    let data: Data
}

/// The second step: the balance that the payment has become.
private struct DepositAnswer: Encodable {
    let balance: Int64
    let balanceMsat: Int64
    let balanceCredits: Double
    let rateSatsPerRequest: Double
    let tierId: Int
    let discountPct: Int
    let paymentHash: String
    let paidMsat: Int64
    let spentMsat: Int64
    let createdAt: Int64
    let token: String?
    let macaroon: String?
    var alreadyRedeemed: Bool?
    let instructions: String

    init(_ credit: Credit, tier: DepositTier, token: String?, preimage: Preimage?) {
        balance = credit.remaining.satFloor
        balanceMsat = credit.remaining.msat
        let rate = Double(credit.ratePPM) / 1_000_000
        balanceCredits = Double(credit.remaining.msat) / 1000 / rate
        rateSatsPerRequest = rate
        tierId = tier.id
        discountPct = 100 - Int(credit.ratePPM / 10_000)
        paymentHash = credit.paymentHash.hex
        paidMsat = credit.paid.msat
        spentMsat = credit.spent.msat
        createdAt = Int64(credit.createdAt.timeIntervalSince1970)
        macaroon = token
        self.token = token.flatMap { token in preimage.map { "L402 \(token):\($0.hex)" } }
        instructions =
            "Send the token as Authorization on every paid route; GET /api/deposit/balance shows what is left."
    }
}

extension APIRoute {
    /// Balances paid for in advance.
    ///
    /// - Parameter service: the service whose routes a deposit pays for.
    public static func deposits(_ gate: Gate, service: String) -> [APIRoute] {
        let tiers = APIRoute(
            .get,
            "/api/deposit/tiers",
            limiter: .global,
            documentation: RouteDocumentation("What deposits pay per request, by size"),
            access: .free { _ in try tierList(gate.depositSchedule) }
        )
        let deposit = APIRoute(
            .post,
            "/api/deposit",
            limiter: .deposit,
            documentation: RouteDocumentation(
                "Buys a balance: an invoice for {amount}, then the balance for {paymentHash, preimage}",
                bodyExample: "{\"amount\": 1000}"
            ),
            access: .free { request in try await serve(request, gate, service: service) }
        )
        let balance = APIRoute(
            .get,
            "/api/deposit/balance",
            limiter: .token,
            documentation: RouteDocumentation("What is left of the deposit in Authorization; free of charge"),
            access: .free { request in
                let account = try await account(request, gate, [service])
                guard let credit = account.credit else {
                    throw APIError(.notFound, "This token has not been used yet, or it is not a deposit.")
                }
                let tier = gate.depositSchedule.tier(for: credit.paid)
                let answer = DepositAnswer(credit, tier: tier, token: nil, preimage: nil)
                return try APIResponse.data(answer, headers: [.cacheControl: "private, no-store"])
            }
        )
        return [tiers, deposit, balance]
    }

    private static func tierList(_ schedule: DepositSchedule) throws -> APIResponse {
        struct List: Encodable {
            let tiers: [TierAnswer]
            let currency = "sats"
            let rateUnit = "sats per request of a route that costs 1 sat; other routes in proportion"
            let maxDepositSats: Int64
            let notes: [String]
        }
        return try APIResponse.data(
            List(
                tiers: schedule.tiers.map(TierAnswer.init),
                maxDepositSats: schedule.maximumSats,
                notes: [
                    "The rate is fixed when the deposit is redeemed; later changes of this list do not touch it.",
                    "What was really paid is credited. Deposits do not expire.",
                ]
            )
        )
    }

    private static func serve(_ request: APIRequest, _ gate: Gate, service: String) async throws -> APIResponse {
        struct Body: Decodable {
            let amount: Double?
            let paymentHash: String?
            let preimage: String?
        }
        let body = try request.decoded(Body.self)
        if let amount = body.amount, body.preimage == nil {
            return try await offer(amount, request, gate, service: service)
        }
        guard let hash = body.paymentHash, let preimage = body.preimage else {
            throw APIError(
                .validationError,
                "Send {amount} for an invoice, or {paymentHash, preimage} once it is paid.",
                details: ["field": "amount"]
            )
        }
        return try await redeem(hash, preimage, gate, service: service)
    }

    private static func count(_ phase: String) {
        Counter(label: "deposit_phase_total", dimensions: [("phase", phase)]).increment()
    }

    private static func offer(
        _ amount: Double,
        _ request: APIRequest,
        _ gate: Gate,
        service: String
    ) async throws -> APIResponse {
        let schedule = gate.depositSchedule
        guard amount == amount.rounded(), amount >= Double(schedule.minimumSats), amount <= Double(schedule.maximumSats)
        else {
            throw APIError(
                .validationError,
                "amount must be a whole number of sat from \(schedule.minimumSats) to \(schedule.maximumSats)",
                details: ["field": "amount"]
            )
        }
        if let redeemed = try? await gate.redeemDeposit(of: request.forGate, service: service) {
            return try answer(redeemed)
        }
        let paid = MilliSatoshi.sat(Int64(amount))
        let admission = await gate.offerDeposit(request.forGate, service: service, amount: paid)
        guard case .challenged(let issued, _) = admission else {
            return try PaymentRequired.answer(admission, to: request)
        }
        count("invoice_created")
        let tier = schedule.tier(for: paid)
        let offer = DepositOffer.Data(
            invoice: issued.challenge.invoice,
            macaroon: issued.challenge.token,
            paymentHash: issued.paymentHash.hex,
            amount: Int64(amount),
            quotaGranted: Int64(amount),
            tierId: tier.id,
            rateSatsPerRequest: tier.rateSatsPerRequest,
            discountPct: tier.discountPercent,
            expiresIn: issued.expiresIn,
            expiresAt: issued.expiresAt,
            instructions: """
                Pay the invoice. Then use 'L402 <macaroon>:<preimage>' as Authorization, or post {paymentHash, preimage} \
                here to have the balance confirmed.
                """
        )
        let headers: HTTPFields = [
            .cacheControl: "no-store", .wwwAuthenticate: issued.headerValue,
            .l402Price: String(issued.price.satCeiling),
        ]
        return try APIResponse.json(DepositOffer(data: offer), status: .paymentRequired, headers: headers)
    }

    private static func redeem(
        _ hash: String,
        _ preimage: String,
        _ gate: Gate,
        service: String
    ) async throws -> APIResponse {
        guard let paymentHash = PaymentHash(hex: hash) else {
            throw APIError(.validationError, "paymentHash must be 64 hex digits", details: ["field": "paymentHash"])
        }
        guard let secret = Preimage(hex: preimage) else {
            throw APIError(.validationError, "preimage must be 64 hex digits", details: ["field": "preimage"])
        }
        guard secret.paymentHash == paymentHash else {
            throw APIError(
                .validationError,
                "The preimage does not belong to the payment hash.",
                details: ["field": "preimage"]
            )
        }
        do {
            guard let redeemed = try await gate.redeemDeposit(secret, service: service) else {
                count("verify_not_found")
                throw APIError(
                    .notFound,
                    "No deposit was made here with this payment hash.",
                    details: ["paymentHash": paymentHash.hex]
                )
            }
            return try answer(redeemed)
        } catch let refusal as Refusal {
            return try pending(refusal, paymentHash)
        }
    }

    private static func answer(_ redeemed: RedeemedDeposit) throws -> APIResponse {
        count(redeemed.isNew ? "verify_success_fresh" : "verify_success_cached")
        var answer = DepositAnswer(
            redeemed.credit,
            tier: redeemed.tier,
            token: redeemed.token,
            preimage: redeemed.preimage
        )
        if !redeemed.isNew { answer.alreadyRedeemed = true }
        return try APIResponse.data(
            answer,
            status: redeemed.isNew ? .created : .ok,
            headers: [.cacheControl: "private, no-store"]
        )
    }

    /// Why a deposit cannot be redeemed now.
    private static func pending(_ refusal: Refusal, _ hash: PaymentHash) throws -> APIResponse {
        struct Pending: Encodable {
            struct Failure: Encodable {
                let code = "PAYMENT_PENDING"
                let message: String
            }
            let error: Failure
            let paymentHash: String
        }
        switch refusal.code {
        case .notSettled:
            count("verify_pending")
            let headers: HTTPFields = [.cacheControl: "no-store", .retryAfter: "1"]
            let body = Pending(error: .init(message: refusal.detail), paymentHash: hash.hex)
            return try APIResponse.json(body, status: .paymentRequired, headers: headers)
        case .expired:
            count("verify_not_found")
            throw APIError(
                .notFound,
                "The invoice has expired or is unknown.",
                details: ["paymentHash": hash.hex]
            )
        default: throw PaymentRequired.credentialError(refusal)
        }
    }
}
