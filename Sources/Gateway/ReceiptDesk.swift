// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
internal import LightningPrimitives
internal import NIOCore
internal import NIOFoundationCompat
internal import PaymentAuthentication
internal import PurchaseReceipts

/// Writes the receipts of paid answers.
struct ReceiptDesk: Sendable {
    /// Signs what was bought; without it the receipt only names the payment.
    let signer: ReceiptSigner?

    /// The answer with its receipts; as it is where nothing was paid.
    func sign(_ response: APIResponse, to request: APIRequest, _ terms: GrantTerms) -> APIResponse {
        guard let token = terms.token, response.status.kind == .successful else { return response }
        var response = response
        let now = Int64(Date().timeIntervalSince1970)
        response.headers[.paymentReceipt] =
            PaymentReceipt(reference: token.paymentHash.hex, challengeID: token.name, at: now).headerValue
        guard let signer else { return response }
        let purchase = Purchase(
            paymentHash: token.paymentHash,
            request: ContentHash(
                method: request.method.rawValue,
                target: request.target,
                body: request.body.readableBytesView
            ),
            response: ContentHash(body: response.body.readableBytesView),
            price: terms.price,
            time: now
        )
        response.headers[.l402Receipt] = signer.sign(purchase).headerValue
        return response
    }
}
