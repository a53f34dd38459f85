// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Gate
internal import HTTPTypes
internal import L402
internal import Ledger
internal import LightningPrimitives

/// What is left on a token, as its holder is told.
private struct TokenAnswer: Encodable {
    struct Left: Encodable {
        let msat: Int64
        let sats: Int64
    }
    let service: String
    let tier: Int
    let capabilities: [String]?
    let tokenId: String
    let paymentHash: String
    let remaining: Int64
    let unit = "sats"
    let remainingMsat: Int64
    let paidMsat: Int64
    let spentSats: Int64
    let spentMsat: Int64
    let usesLeft: Int64?
    let rateSatsPerRequest: Double
    let expiresAt: Int64?
    let createdAt: Int64?
    let lastUsedAt: Int64?
    let caveats: [String]

    init(_ account: TokenAccount) {
        service = account.service
        tier = account.summary.services[account.service] ?? 0
        capabilities = account.summary.capabilities
        tokenId = account.identifier.tokenID.hex
        paymentHash = account.identifier.paymentHash.hex
        remaining = account.remaining.satFloor
        remainingMsat = account.remaining.msat
        paidMsat = account.paid.msat
        let spent = account.credit?.spent ?? .zero
        spentSats = spent.satCeiling
        spentMsat = spent.msat
        usesLeft = account.usesLeft
        rateSatsPerRequest = Double(account.credit?.ratePPM ?? 1_000_000) / 1_000_000
        expiresAt = account.summary.expiresAt
        createdAt = account.credit.map { Int64($0.createdAt.timeIntervalSince1970) }
        lastUsedAt = account.credit.map { Int64($0.lastUsedAt.timeIntervalSince1970) }
        caveats = account.summary.caveats
    }
}

extension APIRoute {
    /// What a holder may ask about a token, free of charge.
    ///
    /// - Parameter services: the services whose tokens are known here.
    public static func tokens(_ gate: Gate, services: @escaping @Sendable () -> [String]) -> [APIRoute] {
        ["/api/l402/balance", "/l402/token"].map { path in
            APIRoute(
                .get,
                path,
                limiter: .token,
                documentation: RouteDocumentation(
                    "What is left on the token in Authorization; free of charge",
                    unauthorized: "A token is needed, or is not valid here",
                    unavailable: "Payments cannot be looked up now"
                ),
                access: .free { request in
                    let answer = TokenAnswer(try await account(request, gate, services()))
                    let headers: HTTPFields = [.cacheControl: "private, no-store"]
                    // The short path answers the bare object that clients of the L402 drafts expect.
                    return path.hasPrefix("/api/")
                        ? try APIResponse.data(answer, headers: headers)
                        : try APIResponse.json(answer, headers: headers)
                }
            )
        }
            + ["/api/l402/upgrade", "/l402/upgrade"].map { path in
                APIRoute(
                    .post,
                    path,
                    limiter: .token,
                    documentation: RouteDocumentation(
                        "Replaces the token in Authorization by one of a higher tier or with more value",
                        bodyExample: "{\"sats\": 100, \"tier\": 0}",
                        unauthorized: "A token is needed, or is not valid here",
                        unavailable: "No invoice can be made now"
                    ),
                    access: .free { request in try await upgrade(request, gate, services()) }
                )
            }
    }

    /// What is left on the token of a request.
    static func account(_ request: APIRequest, _ gate: Gate, _ services: [String]) async throws -> TokenAccount {
        do {
            guard let account = try await gate.account(request.forGate, services: services) else {
                throw APIError(.headerTooLarge, "The credential is longer than 8192 bytes.")
            }
            return account
        } catch let refusal as Refusal {
            throw PaymentRequired.credentialError(refusal)
        }
    }

    private static func upgrade(_ request: APIRequest, _ gate: Gate, _ services: [String]) async throws -> APIResponse {
        struct Body: Decodable {
            let sats: Int64?
            let tier: Int?
            let service: String?
        }
        let body = try request.decoded(Body.self)
        let sats = body.sats ?? 1
        guard (1...1_000_000).contains(sats) else {
            throw APIError(.validationError, "sats must be from 1 to 1000000", details: ["field": "sats"])
        }
        guard (0...255).contains(body.tier ?? 0) else {
            throw APIError(.validationError, "tier must be from 0 to 255", details: ["field": "tier"])
        }
        let service: String
        if let named = body.service {
            guard services.contains(named) else {
                throw APIError(.validationError, "There is no such service.", details: ["field": "service"])
            }
            service = named
        } else {
            service = try await account(request, gate, services).service
        }
        do {
            let admission = try await gate.offerUpgrade(
                request.forGate,
                service: service,
                tier: body.tier,
                amount: .sat(sats)
            )
            return try PaymentRequired.answer(admission, to: request)
        } catch let problem as UpgradeProblem {
            throw apiError(problem)
        }
    }

    private static func apiError(_ problem: UpgradeProblem) -> APIError {
        switch problem {
        case .refused(let refusal): PaymentRequired.credentialError(refusal)
        case .headerTooLarge: APIError(.headerTooLarge, "The credential is longer than 8192 bytes.")
        case .narrowed:
            APIError(
                .forbidden,
                "This token was narrowed by its holder; only the token that was bought can be replaced."
            )
        case .isDeposit:
            APIError(.validationError, "A deposit is not upgraded; make another one with POST /api/deposit.")
        }
    }
}
