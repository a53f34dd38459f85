// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import LightningPrimitives
import Secp256k1

extension FuzzTarget {
    /// The text of an invoice.
    ///
    /// A wrong checksum is made right first: otherwise no mutation would get any further.
    static let bolt11 = FuzzTarget(name: "Bolt11") { input in
        let text = String(decoding: input, as: UTF8.self)
        check(text)
        if let repaired = repaired(input) { check(repaired) }
    }

    private static func check(_ text: String) {
        guard let invoice = try? Bolt11Invoice(parsing: text) else { return }
        require(invoice.text == text.lowercased(), "an invoice keeps its text")
        for variant in [invoice.text, invoice.text.uppercased()] {
            let again = require("either case reads", { try Bolt11Invoice(parsing: variant) })
            require(again == invoice, "either case reads as the same")
        }
        let lenient = require(
            "a lenient reader reads what a strict one does",
            {
                try Bolt11Invoice(parsing: text, isLenient: true)
            }
        )
        require(lenient == invoice, "as the same")
        require(invoice.amount.map { $0 > .zero && $0 <= .supply } ?? true, "an amount is one that exists")
        require(invoice.expiresAt >= invoice.contents.timestamp, "an invoice does not end before it begins")

        // Our own form is never longer by more than the fields that are always written.
        guard text.utf8.count < 8000 else { return }
        let signed = require(
            "what was read can be signed",
            {
                try Bolt11Invoice(signing: invoice.contents, with: Fixtures.secretKey)
            }
        )
        require(signed.contents == invoice.contents, "with the same contents")
        require(signed.payee == Fixtures.secretKey.publicKey.nodeID, "by the one who signs")
    }

    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    /// The text in lower case with the checksum that belongs to it (BIP 173), or `nil` when it is not bech32 in form.
    private static func repaired(_ input: [UInt8]) -> String? {
        let bytes = input.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
        guard let separator = bytes.lastIndex(of: UInt8(ascii: "1")), bytes.count - separator > 7 else { return nil }
        let body = bytes.dropLast(6)
        let groups = body[(separator + 1)...].compactMap { alphabet.firstIndex(of: $0).map(UInt8.init) }
        guard groups.count == body.count - separator - 1 else { return nil }
        let name = body[..<separator]
        let remainder = polymod(name.map { $0 >> 5 } + [0] + name.map { $0 & 31 } + groups + [0, 0, 0, 0, 0, 0]) ^ 1
        let checksum = (0..<6).map { alphabet[Int(remainder >> UInt32(5 * (5 - $0)) & 31)] }
        return String(decoding: body + checksum, as: UTF8.self)
    }

    private static func polymod(_ values: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
        return values.reduce(1) { checksum, value in
            let top = checksum >> 25
            let shifted = (checksum & 0x1FF_FFFF) << 5 ^ UInt32(value)
            return generator.indices.reduce(shifted) { top >> UInt32($1) & 1 == 1 ? $0 ^ generator[$1] : $0 }
        }
    }
}
