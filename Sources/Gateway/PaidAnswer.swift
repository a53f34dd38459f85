// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
internal import Ledger
internal import LightningPrimitives
internal import NIOCore
internal import NIOFoundationCompat
internal import PaymentAuthentication

/// What is added to the answers of paid routes, and how they are kept for repetitions.
enum PaidAnswer {
    /// The answer with what it cost and what is left.
    static func annotated(_ response: APIResponse, _ terms: GrantTerms, isCharged: Bool) -> APIResponse {
        var response = response
        response.headers[.cacheControl] = "private, no-store"
        response.headers[.l402Payment] = isCharged && terms.price > .zero ? "charged" : "not_charged"
        response.headers[.priceMsat] = String(terms.price.msat)
        if isCharged, let token = terms.token {
            let now = Int64(Date().timeIntervalSince1970)
            response.headers[.paymentReceipt] =
                PaymentReceipt(reference: token.paymentHash.hex, challengeID: token.name, at: now).headerValue
        }
        guard let left = terms.balance else { return response }
        let balance = isCharged ? left : left + terms.price
        response.headers[.l402Balance] = "\(balance.satFloor);unit=sats"
        response.headers[.balanceMsat] = String(balance.msat)
        if terms.price > .zero {
            response.headers[.satRankBalance] = String(balance.msat / terms.price.msat)
            if let paid = terms.paid { response.headers[.satRankBalanceMax] = String(paid.msat / terms.price.msat) }
        }
        if let expiresAt = terms.expiresAt { response.headers[.l402Expires] = String(expiresAt) }
        if terms.token?.scheme == .bareDeposit { response.headers[.deprecatedUse] = "bare-deposit" }
        return response
    }

    /// The answer as it is kept.
    static func stored(_ response: APIResponse) -> StoredAnswer {
        var headers: [String: String] = [:]
        for field in response.headers { headers[field.name.rawName] = field.value }
        return StoredAnswer(
            status: response.status.code,
            headers: headers,
            body: Array(response.body.readableBytesView)
        )
    }

    /// An answer that was kept; nothing is charged for it.
    static func replay(_ stored: StoredAnswer) -> APIResponse {
        var headers = HTTPFields()
        for (name, value) in stored.headers { HTTPField.Name(name).map { headers[$0] = value } }
        headers[.l402Payment] = "not_charged"
        headers[.idempotentReplay] = "true"
        return APIResponse(
            status: HTTPResponse.Status(code: stored.status),
            headers: headers,
            body: ByteBuffer(bytes: stored.body)
        )
    }
}
