// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import NIOCore
internal import NIOFoundationCompat
internal import PurchaseReceipts

/// Signs what was bought.
struct ReceiptDesk: Sendable {
    /// `nil` leaves answers unsigned.
    let signer: ReceiptSigner?
    let logger: Logger

    /// The answer with its signed receipt; as it is where nothing was paid.
    func sign(_ response: APIResponse, to request: APIRequest, _ terms: GrantTerms) async -> APIResponse {
        await sign(response, method: request.method, target: request.target, body: request.body, terms)
    }

    /// The answer to a request, given in its parts, with its signed receipt.
    func sign(
        _ response: APIResponse,
        method: HTTPRequest.Method,
        target: String,
        body: ByteBuffer,
        _ terms: GrantTerms
    ) async -> APIResponse {
        guard let signer, let token = terms.token, response.status.kind == .successful else { return response }
        var response = response
        let now = Int64(Date().timeIntervalSince1970)
        let purchase = Purchase(
            paymentHash: token.paymentHash,
            request: ContentHash(
                method: method.rawValue,
                target: target,
                body: body.readableBytesView
            ),
            response: ContentHash(body: response.body.readableBytesView),
            price: terms.price,
            time: now
        )
        response.headers[.l402Receipt] = await receipt(for: purchase, signer)?.headerValue
        return response
    }

    /// A key that several hosts hold may not be at hand: what was paid for is handed over all the same.
    private func receipt(for purchase: Purchase, _ signer: ReceiptSigner) async -> SignedReceipt? {
        do {
            return try await signer.sign(purchase)
        } catch {
            Counter(label: "receipts_missing_total").increment()
            logger.warning("a paid answer has no receipt: nobody signed", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
