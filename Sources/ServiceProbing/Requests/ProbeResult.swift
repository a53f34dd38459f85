// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import ByteCoding
internal import Crypto
internal import Foundation
internal import LightningPrimitives
public import ServiceChecks
internal import TrustScore

/// What a probe has found, as callers read it.
public struct ProbeResult: Codable, Sendable, Hashable {
    public struct Fetch: Codable, Sendable, Hashable {
        public var status: Int?
        public var latencyMs: Int
        public var httpError: String?
    }

    public struct Challenge: Codable, Sendable, Hashable {
        public var macaroonLen: Int
        public var tokenFormat: String
        public var lngetCompatible: Bool
        public var invoiceSats: Int64?
        public var invoiceMsat: Int64?
        public var invoicePaymentHash: String?
        public var invoiceCheck: String?
        public var payee: String?
    }

    public struct Payment: Codable, Sendable, Hashable {
        public var paymentHash: String
        /// Set when the caller asked for it.
        public var preimage: String?
        /// The token that the preimage makes valid; set with it.
        public var macaroon: String?
        public var paidMsat: Int64
        public var feeMsat: Int64
        public var paymentError: String?
        public var durationMs: Int
    }

    public struct Delivery: Codable, Sendable, Hashable {
        public var status: Int?
        public var latencyMs: Int
        public var bodyBytes: Int
        /// SHA-256.
        public var bodyHash: String
        /// At most 256 characters, controls as dots; empty for what is no text.
        public var bodyPreview: String
    }

    public var url: String
    /// `L402`, `NOT_L402` or `UNREACHABLE`.
    public var target: String
    /// What the first answer was.
    public var answer: String
    public var outcome: String
    public var dryRun: Bool
    public var firstFetch: Fetch
    public var l402Challenge: Challenge?
    public var payment: Payment?
    public var secondFetch: Delivery?
    /// By stage, `ok` or `failed`; a stage that was not reached is missing.
    public var stages: [String: String]
    public var totalLatencyMs: Int

    /// Describes a look without a purchase.
    public init(_ check: ServiceCheck) {
        url = check.endpoint.url
        target = check.offer != nil ? "L402" : check.answer == nil ? "UNREACHABLE" : "NOT_L402"
        answer = check.label
        outcome = check.offer == nil ? check.label : check.invoiceCheck?.rawValue ?? "decode_failed"
        dryRun = true
        firstFetch = Fetch(
            status: check.status,
            latencyMs: Self.milliseconds(check.latency),
            httpError: check.error.map { "\($0)" }
        )
        if let offer = check.offer {
            l402Challenge = Challenge(
                macaroonLen: offer.token.utf8.count,
                tokenFormat: offer.format.rawValue,
                lngetCompatible: offer.isReadableByLnget,
                invoiceSats: check.invoice?.amount?.satCeiling,
                invoiceMsat: check.invoice?.amount?.msat,
                invoicePaymentHash: check.invoice?.paymentHash.hex,
                invoiceCheck: check.invoiceCheck?.rawValue,
                payee: check.invoice?.payee.hex
            )
        }
        stages = [:]
        if let proof = check.provesChallenge { stages["challenge"] = proof ? "ok" : "failed" }
        if let found = check.invoiceCheck { stages["invoice"] = found == .valid ? "ok" : "failed" }
        totalLatencyMs = Self.milliseconds(check.latency)
    }

    /// Describes a purchase.
    public init(_ purchase: ServicePurchase, includesCredential: Bool) {
        self.init(purchase.check)
        dryRun = false
        outcome = purchase.outcome.rawValue
        for write in purchase.outcome.stageWrites { stages[write.stage.rawValue] = write.isSuccess ? "ok" : "failed" }
        if let invoice = purchase.check.invoice, let duration = purchase.paymentDuration {
            payment = Payment(
                paymentHash: invoice.paymentHash.hex,
                preimage: includesCredential ? purchase.preimage?.hex : nil,
                macaroon: includesCredential && purchase.preimage != nil ? purchase.check.offer?.token : nil,
                paidMsat: purchase.paid.msat,
                feeMsat: purchase.fee.msat,
                paymentError: purchase.preimage == nil ? Self.publicReason(purchase.outcome) : nil,
                durationMs: Self.milliseconds(duration)
            )
            totalLatencyMs += Self.milliseconds(duration)
        }
        if let delivery = purchase.delivery {
            secondFetch = Delivery(
                status: delivery.status,
                latencyMs: Self.milliseconds(delivery.latency),
                bodyBytes: delivery.body.count,
                bodyHash: Hex.encode(Array(SHA256.hash(data: delivery.body))),
                bodyPreview: Self.preview(delivery.body)
            )
            totalLatencyMs += Self.milliseconds(delivery.latency)
        }
    }

    /// What callers are told of a payment that was not made: nothing of our node.
    private static func publicReason(_ outcome: PaidProbeOutcome) -> String { outcome.rawValue }

    private static func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }

    static func preview(_ body: [UInt8]) -> String {
        // Cut between characters: the last bytes may be half of one.
        var bytes = body.prefix(1024)
        for _ in 0..<4 where String(validating: bytes, as: UTF8.self) == nil { bytes = bytes.dropLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else { return "" }
        let scalars = text.unicodeScalars.prefix(256).map { scalar in
            scalar.properties.generalCategory == .control ? "." : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

extension PaidProbeOutcome {
    /// Who bears the cost of a probe that ended so.
    public var billing: ProbeBilling {
        switch self {
        case .qualityOK, .qualityLow, .emptyBody, .delivery4xx, .delivery5xx, .deliveryOther: .probe
        // A target that keeps a payment hanging may still take it: it stays charged until its end is known.
        case .payUnknown: .probe
        // An invoice that was used before is the target's, too: it would have us asked for nothing as often as it likes.
        case .noResponse, .not402, .noInvoice, .invoiceDecodeFailed, .selfPay, .overCap, .routingFailed, .payFailed,
            .duplicateInvoice:
            .look
        case .overBudget, .payeeLimit, .localLiquidity, .payTimedOut, .nodeUnavailable: .none
        }
    }
}
