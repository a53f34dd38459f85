// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import LightningPrimitives

/// What a receipt is about: which payment bought which answer to which request, for how much and when.
public struct Purchase: Sendable, Hashable {
    public let paymentHash: PaymentHash
    public let request: ContentHash
    public let response: ContentHash
    /// What was charged for this request, not negative; one payment may pay for several.
    public let price: MilliSatoshi
    /// When it was charged, in Unix seconds, not negative.
    public let time: Int64

    /// Describes a purchase.
    /// - Precondition: price and time lie within what a header can carry, 0 to 999,999,999,999,999.
    public init(
        paymentHash: PaymentHash,
        request: ContentHash,
        response: ContentHash,
        price: MilliSatoshi,
        time: Int64
    ) {
        precondition(Self.range.contains(price.msat) && Self.range.contains(time), "out of a header's range")
        self.paymentHash = paymentHash
        self.request = request
        self.response = response
        self.price = price
        self.time = time
    }

    /// The integers that structured fields can carry and that are not negative (RFC 8941 section 3.3.1).
    static let range: ClosedRange<Int64> = 0...999_999_999_999_999

    /// What is signed: SHA-256 of the tag, the three hashes, price in msat and Unix time, both as big-endian u64.
    public var digest: [UInt8] {
        var message = Array("assay/receipt/1".utf8)
        message += paymentHash.bytes + request.bytes + response.bytes
        for number in [price.msat, time] {
            withUnsafeBytes(of: UInt64(number).bigEndian) { message.append(contentsOf: $0) }
        }
        return Array(SHA256.hash(data: message))
    }
}
