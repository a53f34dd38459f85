// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import Gate
internal import HTTPTypes
internal import L402
internal import Ledger
internal import LightningPrimitives

extension APIRoute {
    // MARK: Tokens

    static func tokens(_ desk: AdminDesk) -> [APIRoute] {
        [
            admin(
                .post,
                "tokens",
                .tokensWrite,
                desk,
                RouteDocumentation(
                    "Mints a token with value that nobody has paid for; the credential is shown once",
                    bodyExample: "{\"sats\": 100, \"reason\": \"support case\", \"lifetimeSeconds\": 2592000}"
                )
            ) { request, identity in try await mint(request, identity, desk) }
        ]
    }

    private static func mint(
        _ request: APIRequest,
        _ identity: OperatorIdentity,
        _ desk: AdminDesk
    ) async throws -> APIResponse {
        struct Body: Decodable {
            let sats: Int64
            let reason: String
            let service: String?
            let tier: Int?
            let capabilities: [String]?
            let lifetimeSeconds: Int64?
        }
        struct Answer: Encodable {
            let paymentHash: String
            let tokenId: String
            let macaroon: String
            let authorization: String
            let sats: Int64
            let expiresAt: Int64
        }
        let body = try request.decoded(Body.self)
        try request.check(body.reason, "reason")
        let service = body.service ?? "assay"
        guard desk.services().contains(service) else {
            throw APIError(.validationError, "There is no such service.", details: ["field": "service"])
        }
        guard (1...100_000_000).contains(body.sats) else {
            throw APIError(.validationError, "sats must be from 1 to 100000000", details: ["field": "sats"])
        }
        guard (0...255).contains(body.tier ?? 0) else {
            throw APIError(.validationError, "tier must be from 0 to 255", details: ["field": "tier"])
        }
        let lifetime = body.lifetimeSeconds ?? 30 * 86_400
        guard (60...315_360_000).contains(lifetime) else {
            throw APIError(
                .validationError,
                "lifetimeSeconds must be from 60 to 315360000",
                details: ["field": "lifetimeSeconds"]
            )
        }
        for capability in body.capabilities ?? [] {
            guard !capability.isEmpty, capability.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2C }) else {
                throw APIError(.validationError, "capabilities are words", details: ["field": "capabilities"])
            }
        }
        let token: MintedToken
        do {
            token = try await desk.gate.mint(
                .sat(body.sats),
                service: service,
                tier: body.tier ?? 0,
                capabilities: body.capabilities,
                lifetimeSeconds: lifetime
            )
        } catch let refusal as Refusal {
            throw PaymentRequired.error(refusal, retryAfterSeconds: 60)
        }
        await desk.credentials.note(
            "mint",
            on: token.paymentHash.hex,
            by: identity.name,
            detail: "\(body.sats) sat: \(body.reason)"
        )
        let answer = Answer(
            paymentHash: token.paymentHash.hex,
            tokenId: token.tokenID.hex,
            macaroon: token.macaroon,
            authorization: "L402 \(token.macaroon):\(token.preimage.hex)",
            sats: body.sats,
            expiresAt: token.expiresAt
        )
        return try APIResponse.data(answer, status: .created)
    }

    // MARK: Revocations

    static func revocations(_ desk: AdminDesk) -> [APIRoute] {
        let list = admin(
            .get,
            "revocations",
            .tokensRead,
            desk,
            RouteDocumentation("Revoked tokens, the latest first")
        ) { _, _ in try APIResponse.data(try await desk.revocations.list().map(RevocationAnswer.init)) }
        let revoke = admin(
            .post,
            "revocations",
            .tokensWrite,
            desk,
            RouteDocumentation(
                "Revokes a token, or all tokens of a payment",
                bodyExample: "{\"tokenId\": \"...\", \"reason\": \"leaked\"}"
            )
        ) { request, identity in
            struct Body: Decodable {
                let tokenId: String?
                let paymentHash: String?
                let reason: String
            }
            let body = try request.decoded(Body.self)
            try request.check(body.reason, "reason")
            let kind: Revocation.Kind = body.tokenId == nil ? .payment : .token
            guard (body.tokenId == nil) != (body.paymentHash == nil) else {
                throw APIError(.validationError, "Send either tokenId or paymentHash.", details: ["field": "tokenId"])
            }
            let field = kind == .token ? "tokenId" : "paymentHash"
            let subject = try request.hash(body.tokenId ?? body.paymentHash ?? "", field)
            let isNew = try await desk.revocations.revoke(
                kind,
                subject.bytes,
                reason: body.reason,
                by: identity.name
            )
            if isNew { await desk.credentials.note("revoke", on: subject.hex, by: identity.name, detail: body.reason) }
            return try APIResponse.data(
                ["subject": subject.hex, "kind": kind.rawValue],
                status: isNew ? .created : .ok
            )
        }
        let restore = admin(
            .delete,
            "revocations/{subject}",
            .tokensWrite,
            desk,
            RouteDocumentation("Takes a revocation back")
        ) { request, identity in
            let subject = try request.hash(request.parameter("subject"), "subject")
            guard try await desk.revocations.restore(subject.bytes) else { throw APIError.notFound("revocation") }
            await desk.credentials.note("restore", on: subject.hex, by: identity.name)
            return try APIResponse.data(["subject": subject.hex])
        }
        return [list, revoke, restore]
    }

    // MARK: Operators

    static func operators(_ desk: AdminDesk) -> [APIRoute] {
        let list = admin(
            .get,
            "operators",
            .operatorsWrite,
            desk,
            RouteDocumentation("Credentials of operators, without their secrets")
        ) { _, _ in try APIResponse.data(try await desk.credentials.list().map(OperatorAnswer.init)) }
        let create = admin(
            .post,
            "operators",
            .operatorsWrite,
            desk,
            RouteDocumentation(
                "Makes a credential; its secret is shown once",
                bodyExample: "{\"name\": \"ci\", \"kind\": \"bypass\", \"lifetimeSeconds\": 7776000}"
            )
        ) { request, identity in try await createOperator(request, identity, desk) }
        let revoke = admin(
            .delete,
            "operators/{name}",
            .operatorsWrite,
            desk,
            RouteDocumentation("Revokes a credential at once")
        ) { request, identity in
            let name = request.parameter("name")
            guard OperatorCredential.isName(name), try await desk.credentials.revoke(name: name) else {
                throw APIError.notFound("credential")
            }
            await desk.credentials.note("revoke-operator", on: name, by: identity.name)
            return try APIResponse.data(["name": name])
        }
        return [list, create, revoke]
    }

    private static func createOperator(
        _ request: APIRequest,
        _ identity: OperatorIdentity,
        _ desk: AdminDesk
    ) async throws -> APIResponse {
        struct Body: Decodable {
            let name: String
            let kind: String
            let scopes: [String]?
            let lifetimeSeconds: Int64
        }
        let body = try request.decoded(Body.self)
        guard let kind = OperatorCredential.Kind(rawValue: body.kind) else {
            throw APIError(.validationError, "kind must be bypass or admin", details: ["field": "kind"])
        }
        var scopes: Set<OperatorScope> = []
        for name in body.scopes ?? [] {
            guard let scope = OperatorScope(rawValue: name) else {
                let known = OperatorScope.allCases.map(\.rawValue).joined(separator: ", ")
                throw APIError(.validationError, "scopes are: \(known)", details: ["field": "scopes"])
            }
            scopes.insert(scope)
        }
        guard kind == .admin ? !scopes.isEmpty : scopes.isEmpty else {
            throw APIError(
                .validationError,
                kind == .admin ? "An admin key needs scopes." : "A bypass credential has no scopes.",
                details: ["field": "scopes"]
            )
        }
        // Nobody gives away more than they have.
        guard scopes.isSubset(of: identity.scopes) else {
            throw APIError(.forbidden, "A key cannot make another one with scopes it does not have itself.")
        }
        do {
            let secret = try await desk.credentials.create(
                name: body.name,
                kind: kind,
                scopes: scopes,
                lifetime: .seconds(max(0, min(body.lifetimeSeconds, 1 << 40))),
                by: identity.name
            )
            await desk.credentials.note("create-operator", on: body.name, by: identity.name, detail: kind.rawValue)
            return try APIResponse.data(["name": body.name, "secret": secret], status: .created)
        } catch let problem as OperatorCredentials.Problem {
            throw APIError(problem == .nameTaken ? .conflict : .validationError, "\(problem)")
        }
    }
}
