// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PurchaseReceipts

extension FuzzTarget {
    /// The value of an `L402-Receipt` header, or a receipt file.
    static let receipt = FuzzTarget(name: "Receipt") { input in
        if let receipt = try? SignedReceipt(headerValue: String(decoding: input, as: UTF8.self)) {
            checkReceipt(receipt)
        }
        guard let file = try? ReceiptFile(parsing: Data(input)) else { return }
        checkReceipt(file.receipt)
        require(require("a file reads", { try ReceiptFile(parsing: file.data) }) == file, "a file reads as the same")
        let report = file.verify(expectedKey: nil)
        require(report.entries.map(\.check) == ReceiptReport.Check.allCases, "every check is reported")
        require(
            report[.signature] != .passed || file.receipt.isSigned(by: file.receipt.key),
            "only what is signed is reported as signed"
        )
        guard report.isValid else { return }
        var altered = file
        altered.responseBody.append(0)
        require(!altered.verify(expectedKey: nil).isValid, "an altered answer is found out")
        altered = file
        altered.requestBody.append(0)
        require(!altered.verify(expectedKey: nil).isValid, "an altered request is found out")
    }

    private static func checkReceipt(_ receipt: SignedReceipt) {
        let again = require("a receipt reads", { try SignedReceipt(headerValue: receipt.headerValue) })
        require(again == receipt, "a receipt reads as the same")
    }
}
