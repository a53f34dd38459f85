// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import PurchaseReceipts
import Secp256k1

/// Works with receipts of purchases.
struct ReceiptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Check what was bought: receipts that 'assay get --save-receipt' keeps.",
        subcommands: [Verify.self]
    )

    /// Checks one receipt file, offline.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check a receipt file, offline.",
            discussion: """
                A receipt file holds a service's signed receipt with the request, the answer and the payment it is about. \
                Each check is printed with its outcome: 'skip' means that there was nothing to check against.

                Without --key the receipt only proves what the holder of the key it names has signed. Get the service's \
                key from its /.well-known/l402, or from wherever you trust it more, and give it with --key.

                  assay get URL --wallet run.json --max-sats 10 --save-receipt receipt.json
                  assay receipt verify receipt.json --key 64-HEX-DIGITS

                Exit codes: 0 no check failed; 1 a check failed; 64 usage; 65 the file cannot be read.
                """
        )

        @Argument(help: "The receipt file.")
        var file: String

        @Option(help: "The service's receipt key, 64 hexadecimal digits (BIP 340).")
        var key: String?

        @Flag(help: "Print the report as JSON.")
        var json = false

        func run() throws {
            let expected = try key.map { text in
                guard let key = Hex.decode(text).flatMap(XOnlyPublicKey.init) else {
                    throw ValidationError("--key is not a BIP 340 public key of 64 hexadecimal digits")
                }
                return key
            }
            guard let data = FileManager.default.contents(atPath: file) else {
                throw Failure(Failure.unreadable, "\(file) does not exist or cannot be read")
            }
            let receipt: ReceiptFile
            do {
                receipt = try ReceiptFile(parsing: data)
            } catch {
                throw Failure(Failure.unreadable, "\(file) is not a receipt file: \(error)")
            }
            let report = receipt.verify(expectedKey: expected)
            if json {
                try Terminal.say(json: Answer(report))
            } else {
                let rows = report.entries.map { [$0.outcome.word, $0.check.rawValue, $0.detail] }
                Terminal.table(rows)
                Terminal.say(Self.verdict(report))
            }
            if !report.isValid { throw ExitCode(1) }
        }

        private static func verdict(_ report: ReceiptReport) -> String {
            guard report.isValid else { return "The receipt is NOT valid." }
            return report[.key] == .passed
                ? "The receipt is valid."
                : "No check failed, but nobody has vouched for the key: compare it with the service's, or give --key."
        }
    }

    private struct Answer: Encodable {
        struct Entry: Encodable {
            let check: String
            let outcome: String
            let detail: String
        }
        let valid: Bool
        let checks: [Entry]

        init(_ report: ReceiptReport) {
            valid = report.isValid
            checks = report.entries.map {
                Entry(check: $0.check.rawValue, outcome: $0.outcome.rawValue, detail: $0.detail)
            }
        }
    }
}

extension ReceiptReport.Outcome {
    /// The first word of a check's line.
    fileprivate var word: String {
        switch self {
        case .passed: "ok"
        case .failed: "FAIL"
        case .skipped: "skip"
        }
    }
}
