// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
public import LightningPrimitives

/// What a payment may cost and how long it may take.
public struct PaymentTerms: Sendable {
    /// The greatest routing fee.
    public var feeLimit: MilliSatoshi
    /// Seconds after which the node gives up, 1 to 3600.
    public var timeoutSeconds: Int
    /// Into how many HTLCs the amount may be split, 1 to 16.
    public var parts: Int
    /// Blocks for which money may be locked at most.
    public var timeLockLimit: Int

    public init(feeLimit: MilliSatoshi, timeoutSeconds: Int = 30, parts: Int = 16, timeLockLimit: Int = 1008) {
        self.feeLimit = feeLimit
        self.timeoutSeconds = timeoutSeconds
        self.parts = parts
        self.timeLockLimit = timeLockLimit
    }
}

extension LNDClient {
    /// Pays an invoice and waits for the payment's end; permission `offchain:write`, or
    /// `uri:/routerrpc.Router/SendPaymentV2` and `uri:/routerrpc.Router/TrackPaymentV2`.
    ///
    /// A lost connection does not stop a payment, so its fate is then asked for by its hash.
    /// - Returns: the final update, succeeded or failed.
    /// - Throws: ``LNDError``; after a `transport` error the payment's state is unknown, never "not paid".
    public func pay(_ paymentRequest: String, hash: PaymentHash, terms: PaymentTerms) async throws(LNDError)
        -> PaymentUpdate
    {
        let body = WirePay(
            payment_request: paymentRequest,
            timeout_seconds: terms.timeoutSeconds,
            fee_limit_msat: String(terms.feeLimit.msat),
            max_parts: terms.parts,
            cltv_limit: terms.timeLockLimit,
            no_inflight_updates: true
        )
        let patience = Duration.seconds(terms.timeoutSeconds + 15)
        do {
            return try await finalUpdate(.pay, "/v2/router/send", body: body, within: patience)
        } catch  where error.errorClass == .transport {
            return try await trackPayment(hash, within: patience)
        }
    }

    /// Waits for the end of a payment that was sent before; permission `offchain:read`.
    public func trackPayment(_ hash: PaymentHash, within patience: Duration) async throws(LNDError) -> PaymentUpdate {
        let name = Base64.encode(hash.bytes, alphabet: .urlSafe)
        let path = "/v2/router/track/\(name)?no_inflight_updates=true"
        return try await finalUpdate(.trackPayment, path, body: nil, within: patience)
    }

    private func finalUpdate(
        _ call: LNDCall,
        _ path: String,
        body: (any Encodable & Sendable)?,
        within patience: Duration
    ) async throws(LNDError) -> PaymentUpdate {
        try await transport.guarded(call, deadline: patience) { [self] in
            var final: PaymentUpdate?
            try await forEachLine(call, path, body: body) { (wire: WirePayment) in
                guard let update = wire.update, update.status == .succeeded || update.status == .failed else {
                    return true
                }
                final = update
                return false
            }
            if let final { return final }
            throw LNDError(
                errorClass: .transport,
                meaning: nil,
                call: call.name,
                grpcCode: nil,
                detail: "the stream ended before the payment did"
            )
        }
    }
}
