// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// What the `Payment-Receipt` header says about a payment that was taken.
public struct PaymentReceipt: Sendable, Hashable, Codable {
    /// `success`: there is no receipt for anything else.
    public let status: String
    /// How it was paid, such as `lightning`.
    public let method: String
    /// When, as RFC 3339 text.
    public let timestamp: String
    /// The payment hash in hexadecimal.
    public let reference: String
    /// The challenge that was answered; absent when it was paid through another scheme.
    public let challengeID: String?
    /// What a closed session paid back, in satoshi; other servers' receipts may have it.
    public let refundSats: Int64?
    /// How paying back went; other servers' receipts may have it.
    public let refundStatus: String?

    /// Makes the receipt of a charge.
    /// - Parameters:
    ///   - reference: the payment hash in hexadecimal.
    ///   - at: Unix seconds.
    public init(reference: String, challengeID: String? = nil, at unixTime: Int64) {
        status = "success"
        method = "lightning"
        timestamp = Timestamp.text(unixTime)
        self.reference = reference
        self.challengeID = challengeID
        refundSats = nil
        refundStatus = nil
    }

    /// Reads the header's value, or returns `nil` when it is not a receipt.
    public init?(headerValue: String) {
        guard let json = Base64.decode(headerValue, alphabet: .urlSafe, padding: .optional),
            let receipt = CanonicalJSON.decode(PaymentReceipt.self, from: json)
        else { return nil }
        self = receipt
    }

    /// The header's value: JSON in base64url without padding.
    public var headerValue: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else { preconditionFailure("texts and integers are always JSON") }
        return Base64.encode(json, alphabet: .urlSafe, padded: false)
    }

    private enum CodingKeys: String, CodingKey {
        case status, method, timestamp, reference, refundSats, refundStatus
        case challengeID = "challengeId"
    }
}
