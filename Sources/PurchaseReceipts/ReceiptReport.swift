// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives
public import Secp256k1

/// What checking a receipt file found, one entry a check.
public struct ReceiptReport: Sendable, Hashable {
    /// What is checked, in this order.
    public enum Check: String, Sendable, Hashable, CaseIterable {
        /// The receipt is signed with the key that is expected.
        case key
        /// The signature fits the receipt and its key.
        case signature
        /// The receipt is about this request.
        case request
        /// The receipt is about this answer.
        case response
        /// The receipt is about the payment that was made.
        case payment
        /// The price is not more than what was paid.
        case price
        /// The receipt was made when the answer arrived.
        case time
    }

    /// How a check ended.
    public enum Outcome: String, Sendable, Hashable {
        case passed
        case failed
        /// There is nothing to check against.
        case skipped
    }

    /// One line of the report.
    public struct Entry: Sendable, Hashable {
        public let check: Check
        public let outcome: Outcome
        /// What was found, in one clause.
        public let detail: String
    }

    public let entries: [Entry]

    /// Whether no check failed.
    public var isValid: Bool { entries.allSatisfy { $0.outcome != .failed } }

    /// How a check ended.
    public subscript(check: Check) -> Outcome? { entries.first { $0.check == check }?.outcome }
}

extension ReceiptFile {
    /// How far the clocks of payer and service may be apart, in seconds, with the time an answer takes.
    public static let clockTolerance: Int64 = 600

    /// Makes every check.
    ///
    /// - Parameter expectedKey: the service's key from a source one trusts. Without it the file only proves what the
    ///   holder of the key named in the receipt has signed, whoever that is.
    public func verify(expectedKey: XOnlyPublicKey?) -> ReceiptReport {
        ReceiptReport(
            entries: ReceiptReport.Check.allCases.map { check in
                let (outcome, detail) = verdict(check, expectedKey)
                return ReceiptReport.Entry(check: check, outcome: outcome, detail: detail)
            }
        )
    }

    private func verdict(_ check: ReceiptReport.Check, _ expectedKey: XOnlyPublicKey?)
        -> (ReceiptReport.Outcome, detail: String)
    {
        let purchase = receipt.purchase
        switch check {
        case .key: return keyVerdict(expectedKey)
        case .signature:
            return receipt.isSigned(by: receipt.key)
                ? (.passed, "signed with the receipt's key") : (.failed, "not a signature of the receipt's key")
        case .request:
            return ContentHash(method: method, target: target, body: requestBody) == purchase.request
                ? (.passed, "\(method) \(target)") : (.failed, "the receipt is about another request")
        case .response:
            return ContentHash(body: responseBody) == purchase.response
                ? (.passed, "\(responseBody.count) bytes") : (.failed, "the receipt is about another answer")
        case .payment:
            guard let paymentHash else { return (.skipped, "the file does not say which invoice was paid") }
            return paymentHash == purchase.paymentHash
                ? (.passed, paymentHash.hex) : (.failed, "the receipt is about another payment")
        case .price:
            guard let paid else { return (.skipped, "\(purchase.price), served from an earlier payment") }
            return purchase.price <= paid
                ? (.passed, "\(purchase.price) of \(paid) paid") : (.failed, "\(purchase.price), but only \(paid) paid")
        case .time:
            let (difference, overflow) = purchase.time.subtractingReportingOverflow(receivedAt)
            return !overflow && difference.magnitude <= UInt64(Self.clockTolerance)
                ? (.passed, "\(purchase.time), received at \(receivedAt)")
                : (.failed, "\(purchase.time), but received at \(receivedAt)")
        }
    }

    private func keyVerdict(_ expectedKey: XOnlyPublicKey?) -> (ReceiptReport.Outcome, detail: String) {
        let found = Hex.encode(receipt.key.bytes)
        if let expectedKey {
            return expectedKey == receipt.key ? (.passed, found) : (.failed, "\(found) is not the expected key")
        }
        guard serverKey.isEmpty || serverKey.lowercased() == found else {
            return (.failed, "\(found) is not the key the file names for the service")
        }
        return (.skipped, "\(found), which nobody has vouched for here")
    }
}
