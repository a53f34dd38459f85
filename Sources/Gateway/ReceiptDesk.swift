// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
internal import LightningPrimitives
internal import PaymentAuthentication

/// Writes the receipts of paid answers.
struct ReceiptDesk: Sendable {
    /// The answer with its receipts; as it is where nothing was paid.
    func sign(_ response: APIResponse, to request: APIRequest, _ terms: GrantTerms) -> APIResponse {
        guard let token = terms.token, response.status.kind == .successful else { return response }
        var response = response
        let now = Int64(Date().timeIntervalSince1970)
        response.headers[.paymentReceipt] =
            PaymentReceipt(reference: token.paymentHash.hex, challengeID: token.name, at: now).headerValue
        return response
    }
}
