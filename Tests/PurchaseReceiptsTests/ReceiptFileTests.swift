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
    let signer = ReceiptSigner(HeldKey(.random()))
    let preimage = Preimage.random()

    func file() async throws -> ReceiptFile {
        let (request, response) = (Array("ask".utf8), Array("answer".utf8))
        let purchase = Purchase(
            paymentHash: preimage.paymentHash,
            request: ContentHash(method: "POST", target: "/a?b=c", body: request),
            response: ContentHash(body: response),
            price: .sat(1),
            time: 1000
        )
        return ReceiptFile(
            receipt: try await signer.sign(purchase),
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
    ) async throws -> [ReceiptReport.Check] {
        var file = try await file()
        try alter(&file)
        let report = file.verify(expectedKey: key ?? signer.publicKey)
        let failed = report.entries.filter { $0.outcome == .failed }.map(\.check)
        #expect(report.isValid == failed.isEmpty)
        #expect(report.entries.map(\.check) == ReceiptReport.Check.allCases)
        return failed
    }

    @Test("a true file passes, and each lie fails its own check")
    func checks() async throws {
        #expect(try await failures { _ in } == [])
        #expect(try await failures { $0.method = "GET" } == [.request])
        #expect(try await failures { $0.target = "/a?b=d" } == [.request])
        #expect(try await failures { $0.requestBody.append(0) } == [.request])
        #expect(try await failures { $0.responseBody.append(0) } == [.response])
        #expect(try await failures { $0.paymentHash = Preimage.random().paymentHash } == [.payment])
        #expect(try await failures { $0.paid = MilliSatoshi(msat: 999) } == [.price])
        #expect(try await failures { $0.receivedAt += 600 } == [])
        #expect(try await failures { $0.receivedAt += 601 } == [.time])
        #expect(try await failures { $0.receivedAt -= 601 } == [.time])
        #expect(try await failures { $0.receivedAt = .min } == [.time])
        #expect(try await failures(key: ReceiptSigner(HeldKey(.random())).publicKey) { _ in } == [.key])
    }

    @Test("a receipt whose numbers were altered fails its signature")
    func alteredReceipt() async throws {
        let failed = try await failures { file in
            let text = file.receipt.headerValue.replacing("price_msat=1000", with: "price_msat=999")
            file.receipt = try SignedReceipt(headerValue: text)
        }
        #expect(failed == [.signature])
    }

    @Test("what the file cannot know is skipped, not passed")
    func skipped() async throws {
        var file = try await file()
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
    func truncation() async throws {
        let data = try await file().data
        #expect(try ReceiptFile(parsing: data) == (await file(signature: data)))
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
    private func file(signature data: Data) async throws -> ReceiptFile {
        var file = try await file()
        file.receipt = try ReceiptFile(parsing: data).receipt
        return file
    }
}
