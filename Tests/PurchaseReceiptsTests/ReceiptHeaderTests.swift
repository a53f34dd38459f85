// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import PurchaseReceipts
import Secp256k1
import Testing

@Suite("Receipt headers")
struct ReceiptHeaderTests {
    let signer = ReceiptSigner(HeldKey(.random()))

    func receipt() async throws -> SignedReceipt {
        let hash = ContentHash(body: [])
        return try await signer.sign(
            Purchase(paymentHash: Preimage.random().paymentHash, request: hash, response: hash, price: .sat(2), time: 9)
        )
    }

    @Test("a signature holds for its purchase and key only")
    func signature() async throws {
        let (first, second) = (try await receipt(), try await receipt())
        #expect(first.isSigned(by: signer.publicKey))
        #expect(!first.isSigned(by: ReceiptSigner(HeldKey(.random())).publicKey))
        let swapped =
            second.headerValue.split(separator: ", ").dropLast() + first.headerValue.split(separator: ", ").suffix(1)
        #expect(!(try SignedReceipt(headerValue: swapped.joined(separator: ", "))).isSigned(by: signer.publicKey))
    }

    @Test("order, blanks and unknown members do not matter")
    func tolerance() async throws {
        let receipt = try await receipt()
        let members = receipt.headerValue.split(separator: ", ").map(String.init)
        let odd = (members.reversed() + ["new=\"x\"", "other=-5", "third=::"]).joined(separator: " \t,")
        #expect(try SignedReceipt(headerValue: "  " + odd + " ") == receipt)
    }

    @Test("a member that is missing, doubled or of another form is refused")
    func refusals() async throws {
        let members = try await receipt().headerValue.split(separator: ", ").map(String.init)
        #expect(members.count == 8)
        for index in members.indices {
            var without = members
            without.remove(at: index)
            let doubled = members + [members[index]]
            for text in [without, doubled].map({ $0.joined(separator: ", ") }) {
                #expect(throws: UnreadableReceipt.self) { try SignedReceipt(headerValue: text) }
            }
        }
        let text = members.joined(separator: ", ")
        let altered = [
            text.replacing("v=1", with: "v=2"), text.replacing("v=1", with: "v=\"1\""), text + ",", text + ", ",
            text + ", x",
            text + " y=1", text.replacing("at=9", with: "at=-9"), text.replacing("at=9", with: "at=9.5"),
            text.replacing("at=9", with: "at=9999999999999999"), text.replacing("at=9", with: "at"), "",
            text.replacing("key=\"", with: "key=\"00"), text + ", pad=\"" + String(repeating: "x", count: 4096) + "\"",
        ]
        for text in altered { #expect(throws: UnreadableReceipt.self) { try SignedReceipt(headerValue: text) } }
    }

    @Test("no truncation or flipped bit of a header is a valid receipt for anything else")
    func mutations() async throws {
        let original = try await receipt()
        let line = Array(original.headerValue.utf8)
        for length in 0..<line.count {
            let text = String(decoding: line.prefix(length), as: UTF8.self)
            #expect(throws: UnreadableReceipt.self) { try SignedReceipt(headerValue: text) }
        }
        for index in line.indices {
            for bit in 0..<8 {
                var altered = line
                altered[index] ^= 1 << UInt8(bit)
                let read = try? SignedReceipt(headerValue: String(decoding: altered, as: UTF8.self))
                guard let read, read.isSigned(by: signer.publicKey) else { continue }
                #expect(read == original)
            }
        }
    }

    @Test("random text never crashes the reader")
    func random() {
        let pieces = ["v=1", "key=", "\"", ":", ", ", "=", "at=1", "AA==", "\\", "é", "\u{0}", "-", "sig=::", "\t"]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<12)).compactMap { _ in pieces.randomElement() }.joined()
            #expect(throws: UnreadableReceipt.self) { try SignedReceipt(headerValue: text) }
        }
    }
}
