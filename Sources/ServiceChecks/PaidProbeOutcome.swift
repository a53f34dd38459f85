// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import TrustScore

/// How a paid probe ended, and what that says about the stages of a call.
public enum PaidProbeOutcome: String, Sendable, Hashable, CaseIterable, Codable {
    // Nothing was paid, and nothing is learnt.
    case noResponse = "probe_no_response"
    case not402 = "probe_not_402"
    case noInvoice = "skipped_no_invoice"
    case invoiceDecodeFailed = "skipped_invoice_decode_failed"
    case selfPay = "skipped_self_pay"
    case overCap = "skipped_over_cap"
    case overBudget = "skipped_total_cap"
    /// The payee has had its share of this cycle under other names.
    case payeeLimit = "skipped_payee_limit"
    /// The invoice was paid before, or is being paid.
    case duplicateInvoice = "skipped_duplicate_invoice"
    /// Our own node had too little to spend: says nothing about the service.
    case localLiquidity = "pay_local_liquidity"
    /// The node gave up in time: neither side is to blame.
    case payTimedOut = "pay_timeout"
    /// The payment's fate is not known yet.
    case payUnknown = "pay_unknown"
    /// Our node could not be asked to pay.
    case nodeUnavailable = "pay_node_unavailable"
    // Stage 3.
    case routingFailed = "pay_routing_failed"
    case payFailed = "pay_other_failure"
    // Stages 3 and 4.
    case emptyBody = "delivery_empty_body"
    case delivery4xx = "delivery_4xx"
    case delivery5xx = "delivery_5xx"
    case deliveryOther = "delivery_other"
    // Stages 3, 4 and 5.
    case qualityOK = "quality_ok"
    case qualityLow = "quality_low"

    /// What is written about a stage.
    public struct StageWrite: Sendable, Hashable {
        public let stage: Stage
        public let isSuccess: Bool
        public let label: String
    }

    /// A paid outcome weighs twice a free one.
    public static let weight = 2.0

    /// The observations of the stages that were reached.
    public var stageWrites: [StageWrite] {
        let paid = StageWrite(stage: .payment, isSuccess: true, label: "pay_ok")
        let delivered = StageWrite(stage: .delivery, isSuccess: true, label: "delivery_ok")
        switch self {
        case .noResponse, .not402, .noInvoice, .invoiceDecodeFailed, .selfPay, .overCap, .overBudget,
            .payeeLimit, .duplicateInvoice, .localLiquidity, .payTimedOut, .payUnknown, .nodeUnavailable:
            return []
        case .routingFailed, .payFailed:
            return [StageWrite(stage: .payment, isSuccess: false, label: rawValue)]
        case .emptyBody, .delivery4xx, .delivery5xx, .deliveryOther:
            return [paid, StageWrite(stage: .delivery, isSuccess: false, label: rawValue)]
        case .qualityOK, .qualityLow:
            return [paid, delivered, StageWrite(stage: .quality, isSuccess: self == .qualityOK, label: rawValue)]
        }
    }

    /// What a failed payment says, by LND's reason.
    public init(failureReason: String) {
        switch failureReason {
        case "FAILURE_REASON_INSUFFICIENT_BALANCE": self = .localLiquidity
        case "FAILURE_REASON_TIMEOUT", "FAILURE_REASON_CANCELED": self = .payTimedOut
        case "FAILURE_REASON_NO_ROUTE": self = .routingFailed
        default: self = .payFailed
        }
    }

    /// What the answer to a paid request says.
    ///
    /// - Parameter status: `nil` when no answer came.
    public init(status: Int?, contentType: String?, body: [UInt8]) {
        switch status {
        case .some(200..<300):
            if body.count < BodyQuality.leastBytes {
                self = .emptyBody
            } else {
                let quality = BodyQuality(status: 200, contentType: contentType, body: body)
                self = quality.isGood ? .qualityOK : .qualityLow
            }
        case .some(400..<500): self = .delivery4xx
        case .some(500..<600): self = .delivery5xx
        default: self = .deliveryOther
        }
    }
}
