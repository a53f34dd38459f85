// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import PurchaseReceipts
import Secp256k1
import Testing

@Suite("Receipt files")
struct ReceiptFileTests {
    let signer = ReceiptSigner(secretKey: .random())
    let preimage = Preimage.random()

    func file() -> ReceiptFile {
        let (request, response) = (Array("ask".utf8), Array("answer".utf8))
        let purchase = Purchase(
            paymentHash: preimage.paymentHash,
            request: ContentHash(method: "POST", target: "/a?b=c", body: request),
            response: ContentHash(body: response),
            price: .sat(1),
            time: 1000
        )
        return ReceiptFile(
            receipt: signer.sign(purchase),
            url: "https://example.org/a?b=c",
            serverKey: "",
            method: "POST",
            target: "/a?b=c",
            requestBody: request,
            status: 200,
            responseBody: response,
            paymentHash: preimage.paymentHash,
            paid: .sat(1),
            receivedAt: 1000
        )
    }

    /// The checks that fail once a file is altered.
    func failures(
        key: XOnlyPublicKey? = nil,
        _ alter: (inout ReceiptFile) throws -> Void
    ) rethrows -> [ReceiptReport.Check] {
        var file = file()
        try alter(&file)
        let report = file.verify(expectedKey: key ?? signer.publicKey)
        let failed = report.entries.filter { $0.outcome == .failed }.map(\.check)
        #expect(report.isValid == failed.isEmpty)
        #expect(report.entries.map(\.check) == ReceiptReport.Check.allCases)
        return failed
    }

    @Test("a true file passes, and each lie fails its own check")
    func checks() throws {
        #expect(failures { _ in } == [])
        #expect(failures { $0.method = "GET" } == [.request])
        #expect(failures { $0.target = "/a?b=d" } == [.request])
        #expect(failures { $0.requestBody.append(0) } == [.request])
        #expect(failures { $0.responseBody.append(0) } == [.response])
        #expect(failures { $0.paymentHash = Preimage.random().paymentHash } == [.payment])
        #expect(failures { $0.paid = MilliSatoshi(msat: 999) } == [.price])
        #expect(failures { $0.receivedAt += 600 } == [])
        #expect(failures { $0.receivedAt += 601 } == [.time])
        #expect(failures { $0.receivedAt -= 601 } == [.time])
        #expect(failures { $0.receivedAt = .min } == [.time])
        #expect(failures(key: ReceiptSigner(secretKey: .random()).publicKey) { _ in } == [.key])
    }

    @Test("a receipt whose numbers were altered fails its signature")
    func alteredReceipt() throws {
        let failed = try failures { file in
            let text = file.receipt.headerValue.replacing("price_msat=1000", with: "price_msat=999")
            file.receipt = try SignedReceipt(headerValue: text)
        }
        #expect(failed == [.signature])
    }

    @Test("what the file cannot know is skipped, not passed")
    func skipped() throws {
        var file = file()
        (file.paid, file.paymentHash) = (nil, nil)
        let report = file.verify(expectedKey: nil)
        #expect(report[.key] == .skipped)
        #expect(report[.payment] == .skipped)
        #expect(report[.price] == .skipped)
        #expect(report.isValid)
        file.serverKey = String(repeating: "ab", count: 32)
        #expect(file.verify(expectedKey: nil)[.key] == .failed)
        file.serverKey = Hex.encode(file.receipt.key.bytes)
        #expect(file.verify(expectedKey: nil)[.key] == .skipped)
    }

    @Test("a line and a body cannot be moved into each other")
    func boundary() {
        let one = ContentHash(method: "GET", target: "/a", body: Array("b".utf8))
        #expect(one != ContentHash(method: "GET", target: "/ab", body: []))
        #expect(one != ContentHash(method: "GE", target: "T /a", body: Array("b".utf8)))
    }

    @Test("a file is read whole or not at all, and never fatally")
    func truncation() throws {
        let data = file().data
        #expect(try ReceiptFile(parsing: data) == file(signature: data))
        for length in 0..<(data.count - 2) {
            #expect(throws: UnreadableReceipt.self) { try ReceiptFile(parsing: data.prefix(length)) }
        }
        for index in data.indices {
            var altered = data
            altered[index] ^= 1 << UInt8.random(in: 0..<8)
            if let read = try? ReceiptFile(parsing: altered) { _ = read.verify(expectedKey: signer.publicKey) }
        }
        for text in ["", "null", "[]", "{}", #"{"format":"assay/receipt-file/1"}"#] {
            #expect(throws: UnreadableReceipt.self) { try ReceiptFile(parsing: Data(text.utf8)) }
        }
    }

    /// The same file with the signature of a written one: signatures are randomised.
    private func file(signature data: Data) throws -> ReceiptFile {
        var file = file()
        file.receipt = try ReceiptFile(parsing: data).receipt
        return file
    }
}
