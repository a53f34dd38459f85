// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
public import Gate
internal import HTTPTypes
public import Ledger
internal import LightningPrimitives

/// What the operators' routes work on.
public struct AdminDesk: Sendable {
    let access: AdminAccess
    let ledger: Ledger
    let gate: Gate
    let revocations: Revocations
    let credentials: OperatorCredentials
    let services: @Sendable () -> [String]

    /// Describes the desk.
    /// - Parameter services: the services that tokens may be minted for.
    public init(
        operators: OperatorAccess,
        ledger: Ledger,
        gate: Gate,
        revocations: Revocations,
        credentials: OperatorCredentials,
        services: @escaping @Sendable () -> [String]
    ) {
        access = AdminAccess(operators: operators)
        self.ledger = ledger
        self.gate = gate
        self.revocations = revocations
        self.credentials = credentials
        self.services = services
    }
}

extension APIRoute {
    /// The operators' routes: credits, tokens, revocations, refunds, revenue, audit and credentials.
    public static func admin(_ desk: AdminDesk) -> [APIRoute] {
        credits(desk) + tokens(desk) + revocations(desk) + money(desk) + operators(desk)
    }

    /// A route for operators with a scope.
    static func admin(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ scope: OperatorScope,
        _ desk: AdminDesk,
        _ documentation: RouteDocumentation,
        _ answer: @escaping @Sendable (APIRequest, OperatorIdentity) async throws -> APIResponse
    ) -> APIRoute {
        APIRoute(
            method,
            "/api/admin/\(path)",
            limiter: .admin,
            documentation: documentation,
            access: .free { request in
                let identity = try desk.access.check(request, scope)
                do {
                    var response = try await answer(request, identity)
                    response.headers[.cacheControl] = "private, no-store"
                    return response
                } catch let error as LedgerError {
                    throw apiError(error)
                }
            }
        )
    }

    private static func apiError(_ error: LedgerError) -> APIError {
        switch error {
        case .unknownCredit: .notFound("credit")
        case .closed: APIError(.conflict, "The credit is closed: its value was carried to another one.")
        case .notEarned: APIError(.conflict, "The credit has not paid that much.")
        case .busy: .retryLater(.conflict, "Requests on the credit are under way.", seconds: 5)
        case .invalidAmount:
            APIError(.validationError, "amountMsat must be positive", details: ["field": "amountMsat"])
        default: .retryLater(.serviceUnavailable, "The ledger cannot answer now; nothing was changed.", seconds: 5)
        }
    }

    // MARK: Credits

    private static func credits(_ desk: AdminDesk) -> [APIRoute] {
        let paging: [RouteDocumentation.QueryParameter] = [
            .init("service", .string, "Only credits of this service"),
            .init("limit", .integer, "Rows, 1 to 500; default 50"),
            .init("after", .string, "The payment hash that the page before ended with"),
        ]
        let list = admin(
            .get,
            "credits",
            .tokensRead,
            desk,
            RouteDocumentation("Credits, the newest first", query: paging)
        ) { request, _ in
            let limit = try request.integer("limit", in: 1...500, default: 50)
            var place: Credit.Place?
            if let after = request.query["after"] {
                place = try await desk.ledger.balance(paymentHash: try request.hash(after, "after")).place
            }
            let service = request.query["service"]
            if let service { try request.check(service, "service") }
            let page = try await desk.ledger.credits(service: service, before: place, limit: limit)
            return try APIResponse.data(page.map(CreditAnswer.init))
        }
        let one = admin(
            .get,
            "credits/{paymentHash}",
            .tokensRead,
            desk,
            RouteDocumentation("A credit with its entries")
        ) { request, _ in
            struct Answer: Encodable {
                let credit: CreditAnswer
                let entries: [EntryAnswer]
            }
            let hash = try request.hash(request.parameter("paymentHash"), "paymentHash")
            let credit = try await desk.ledger.balance(paymentHash: hash)
            let entries = try await desk.ledger.entries(paymentHash: hash)
            return try APIResponse.data(
                Answer(credit: CreditAnswer(credit), entries: entries.map(EntryAnswer.init))
            )
        }
        return [list, one]
    }

    // MARK: Money

    private static func money(_ desk: AdminDesk) -> [APIRoute] {
        let refund = admin(
            .post,
            "refunds",
            .moneyRefund,
            desk,
            RouteDocumentation(
                "Gives earned value back to a credit; send an Idempotency-Key so that a repetition does nothing",
                bodyExample: "{\"paymentHash\": \"...\", \"amountMsat\": 1000, \"reason\": \"wrong answer\"}"
            )
        ) { request, identity in try await giveBack(request, identity, desk) }
        let revenue = admin(
            .get,
            "revenue",
            .moneyRead,
            desk,
            RouteDocumentation(
                "What each route has earned, in all and per UTC day",
                query: [
                    .init("from", .string, "First day, YYYY-MM-DD; default 30 days ago"),
                    .init("to", .string, "Last day, YYYY-MM-DD; default today"),
                ]
            )
        ) { request, _ in try await revenueAnswer(request, desk) }
        let audit = admin(
            .get,
            "audit",
            .moneyRead,
            desk,
            RouteDocumentation("Compares every balance with the sum of its entries")
        ) { _, _ in try APIResponse.data(AuditAnswer(try await desk.ledger.audit())) }
        return [refund, revenue, audit]
    }

    private static func giveBack(
        _ request: APIRequest,
        _ identity: OperatorIdentity,
        _ desk: AdminDesk
    ) async throws -> APIResponse {
        struct Body: Decodable {
            let paymentHash: String
            let amountMsat: Int64
            let route: String?
            let reason: String
        }
        struct Answer: Encodable {
            let paymentHash: String
            let refundedMsat: Int64
            let remainingMsat: Int64
            let isRepetition: Bool
        }
        let body = try request.decoded(Body.self)
        let hash = try request.hash(body.paymentHash, "paymentHash")
        try request.check(body.reason, "reason")
        if let route = body.route { try request.check(route, "route") }
        guard let key = request.headers[.idempotencyKey], IdempotentRequest.isKey(key) else {
            throw APIError(
                .validationError,
                "Send an Idempotency-Key of 1 to 64 visible ASCII characters; repeated, it has no second effect.",
                details: ["field": "Idempotency-Key"]
            )
        }
        let (remaining, isNew) = try await desk.ledger.refund(
            paymentHash: hash,
            amount: MilliSatoshi(msat: body.amountMsat),
            route: body.route,
            reference: "refund:\(hash.hex):\(key)"
        )
        if isNew {
            await desk.credentials.note("refund", on: hash.hex, by: identity.name, detail: body.reason)
        }
        return try APIResponse.data(
            Answer(
                paymentHash: hash.hex,
                refundedMsat: isNew ? body.amountMsat : 0,
                remainingMsat: remaining.msat,
                isRepetition: !isNew
            )
        )
    }

    private static func revenueAnswer(_ request: APIRequest, _ desk: AdminDesk) async throws -> APIResponse {
        let today = Date()
        let to = try request.day("to") ?? today
        let from = try request.day("from") ?? to.addingTimeInterval(-30 * 86_400)
        let end = request.query["to"] == nil ? today.addingTimeInterval(86_400) : to.addingTimeInterval(86_400)
        guard from < end, end.timeIntervalSince(from) <= 400 * 86_400 else {
            throw APIError(.validationError, "from must not be after to, at most 400 days", details: ["field": "from"])
        }
        let routes = try await desk.ledger.revenue(from: from, to: end)
        let days = try await desk.ledger.dailyRevenue(from: from, to: end)
        let products = try await desk.ledger.productRevenue(from: from, to: end)
        let answer = RevenueAnswer(
            from: from.formatted(.iso8601.year().month().day()),
            to: to.formatted(.iso8601.year().month().day()),
            totalMsat: routes.reduce(0) { $0 + $1.earned.msat },
            routes: routes.map { .init(route: $0.route, earnedMsat: $0.earned.msat, calls: $0.calls) },
            days: days.map { .init(day: $0.day, route: $0.route, earnedMsat: $0.earned.msat, calls: $0.calls) },
            products: products.map {
                .init(
                    service: $0.service,
                    tier: $0.tier,
                    purpose: $0.purpose,
                    earnedMsat: $0.earned.msat,
                    calls: $0.calls,
                    payments: $0.payments
                )
            }
        )
        return try APIResponse.data(answer)
    }
}

extension APIRequest {
    /// A payment hash given by the client.
    func hash(_ text: String, _ field: String) throws(APIError) -> PaymentHash {
        guard let hash = PaymentHash(hex: text) else {
            throw APIError(.validationError, "\(field) must be 64 hex digits", details: ["field": field])
        }
        return hash
    }

    /// Checks a text given by an operator.
    func check(_ text: String, _ field: String) throws(APIError) {
        // The store takes no NUL, and what an operator has done must not go unrecorded for it.
        guard (1...500).contains(text.count),
            !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw APIError(
                .validationError,
                "\(field) must have 1 to 500 characters without control characters",
                details: ["field": field]
            )
        }
    }

    /// The begin of a UTC day of the query.
    func day(_ name: String) throws(APIError) -> Date? {
        guard let text = query[name] else { return nil }
        guard text.utf8.count == 10, let day = try? Date(text, strategy: .iso8601.year().month().day()) else {
            throw APIError(.validationError, "\(name) must be a day such as 2026-01-31", details: ["field": name])
        }
        return day
    }
}
