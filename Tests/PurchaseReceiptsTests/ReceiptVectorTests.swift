// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import PurchaseReceipts
import Secp256k1
import Testing

func vector(_ name: String) throws -> Data {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
    return try Data(contentsOf: url)
}

struct ReceiptCase: Decodable {
    let name: String
    let secretKeyHex: String
    let auxiliaryHex: String
    let method: String
    let target: String
    let bodyHex: String
    let responseHex: String
    let paymentHashHex: String
    let priceMsat: Int64
    let at: Int64
    let digestHex: String
    let headerValue: String

    struct File: Decodable { let cases: [ReceiptCase] }

    static func all() throws -> [ReceiptCase] { try JSONDecoder().decode(File.self, from: vector("receipts")).cases }

    func purchase() throws -> Purchase {
        Purchase(
            paymentHash: try #require(PaymentHash(hex: paymentHashHex)),
            request: ContentHash(method: method, target: target, body: try #require(Hex.decode(bodyHex))),
            response: ContentHash(body: try #require(Hex.decode(responseHex))),
            price: MilliSatoshi(msat: priceMsat),
            time: at
        )
    }
}

@Suite("Receipt vectors")
struct ReceiptVectorTests {
    @Test("digest, signature and header are those of an independent implementation")
    func vectors() async throws {
        let cases = try ReceiptCase.all()
        #expect(cases.count == 3)
        for vector in cases {
            let purchase = try vector.purchase()
            #expect(Hex.encode(purchase.digest) == vector.digestHex, "\(vector.name)")
            let secret = try #require(Hex.decode(vector.secretKeyHex).flatMap { SecretKey($0) })
            let signer = ReceiptSigner(HeldKey(secret, auxiliary: Hex.decode(vector.auxiliaryHex)))
            let receipt = try await signer.sign(purchase)
            #expect(receipt.headerValue == vector.headerValue, "\(vector.name)")
            #expect(receipt.isSigned(by: signer.publicKey))
            #expect(try SignedReceipt(headerValue: vector.headerValue) == receipt)
        }
    }

    @Test("a receipt file of an independent implementation passes every check")
    func file() throws {
        let file = try ReceiptFile(parsing: vector("receipt-file"))
        let report = file.verify(expectedKey: file.receipt.key)
        #expect(report.entries.map(\.outcome) == Array(repeating: .passed, count: 7))
        #expect(try ReceiptFile(parsing: file.data) == file)
    }
}
