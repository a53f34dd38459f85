// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import FoundationEssentials
public import LightningPrimitives

/// Everything one needs to check, later and offline, what was bought: the receipt with the request and the answer.
///
/// It holds neither preimage nor token, so it can be shown to others; the bodies may be private all the same.
public struct ReceiptFile: Sendable, Hashable {
    /// The value of the `L402-Receipt` header.
    public var receipt: SignedReceipt
    /// The URL that was called.
    public var url: String
    /// The service's receipt key in hexadecimal, as known when the file was saved; empty when unknown.
    public var serverKey: String
    public var method: String
    /// Path and query as sent in the request line.
    public var target: String
    public var requestBody: [UInt8]
    public var status: Int
    public var responseBody: [UInt8]
    /// The hash of the invoice that the payer paid, when the payer knows it.
    public var paymentHash: PaymentHash?
    /// What the payer paid for this call, without fees; `nil` when an earlier payment served.
    public var paid: MilliSatoshi?
    /// When the answer arrived by the payer's clock, in Unix seconds.
    public var receivedAt: Int64

    public init(
        receipt: SignedReceipt,
        url: String,
        serverKey: String,
        method: String,
        target: String,
        requestBody: [UInt8],
        status: Int,
        responseBody: [UInt8],
        paymentHash: PaymentHash?,
        paid: MilliSatoshi?,
        receivedAt: Int64
    ) {
        self.receipt = receipt
        self.url = url
        self.serverKey = serverKey
        self.method = method
        self.target = target
        self.requestBody = requestBody
        self.status = status
        self.responseBody = responseBody
        self.paymentHash = paymentHash
        self.paid = paid
        self.receivedAt = receivedAt
    }
}

extension ReceiptFile {
    /// The format's name and version.
    static let format = "assay/receipt-file/1"

    /// The largest file that is read, in bytes.
    public static let sizeLimit = 128 << 20

    /// Reads a file.
    /// - Throws: ``UnreadableReceipt``.
    public init(parsing data: Data) throws(UnreadableReceipt) {
        guard data.count <= Self.sizeLimit else { throw UnreadableReceipt("the file is larger than 128 MiB") }
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: data)
        } catch {
            throw UnreadableReceipt("not the JSON of a receipt file: a member is missing or has another type")
        }
        guard wire.format == Self.format else { throw UnreadableReceipt("the member format is not \(Self.format)") }
        guard let requestBody = Base64.decode(wire.request.body), let responseBody = Base64.decode(wire.response.body)
        else { throw UnreadableReceipt("a body is not base64") }
        let paymentHash = wire.payment.hash.flatMap { PaymentHash(hex: $0) }
        guard (paymentHash == nil) == (wire.payment.hash == nil) else {
            throw UnreadableReceipt("the payment's hash is not 64 hexadecimal digits")
        }
        self.init(
            receipt: try SignedReceipt(headerValue: wire.receipt),
            url: wire.server.url,
            serverKey: wire.server.key,
            method: wire.request.method,
            target: wire.request.target,
            requestBody: requestBody,
            status: wire.response.status,
            responseBody: responseBody,
            paymentHash: paymentHash,
            paid: wire.payment.paidMsat.map { MilliSatoshi(msat: $0) },
            receivedAt: wire.receivedAt
        )
    }

    /// The file's text: JSON with sorted members, for people to read as well.
    public var data: Data {
        let wire = Wire(
            format: Self.format,
            receipt: receipt.headerValue,
            server: .init(url: url, key: serverKey),
            request: .init(method: method, target: target, body: Base64.encode(requestBody)),
            response: .init(status: status, body: Base64.encode(responseBody)),
            payment: .init(hash: paymentHash?.hex, paidMsat: paid?.msat),
            receivedAt: receivedAt
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(wire) else { preconditionFailure("texts and integers are always JSON") }
        return data + Data("\n".utf8)
    }

    private struct Wire: Codable {
        struct Server: Codable {
            let url: String
            let key: String
        }
        struct Request: Codable {
            let method: String
            let target: String
            let body: String
        }
        struct Response: Codable {
            let status: Int
            let body: String
        }
        struct Payment: Codable {
            let hash: String?
            let paidMsat: Int64?

            private enum CodingKeys: String, CodingKey {
                case hash
                case paidMsat = "paid_msat"
            }
        }
        let format: String
        let receipt: String
        let server: Server
        let request: Request
        let response: Response
        let payment: Payment
        let receivedAt: Int64

        private enum CodingKeys: String, CodingKey {
            case format, receipt, server, request, response, payment
            case receivedAt = "received_at"
        }
    }
}
