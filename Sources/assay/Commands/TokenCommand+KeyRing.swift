// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import IPAddresses
import L402
import LightningPrimitives
import Settings

extension TokenCommand {
    /// Checks a token as the gate does.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a token with the key ring and say which check fails.",
            discussion: """
                Makes the checks of the gate in the gate's order and goes on after a failure; the first failure is the code \
                a client would get. What is not given (method, path, ...) is not checked. Revocation, settlement and \
                balance are known to the running service only.

                The key ring is that of 'assay serve': ASSAY_L402_KEY_RING_FILE or L402_MACAROON_SECRET.

                Exit codes: 0 no check failed; 1 a check failed; 64 usage; 65 not a token; 78 no key ring.
                """
        )

        @OptionGroup var source: Source

        @Option(help: "The request's method.")
        var method: String?

        @Option(help: "The request's path, without the query.")
        var path: String?

        @Option(help: "The service's name.")
        var service = "assay"

        @Option(help: "The least tier that is needed, 0 to 255.")
        var tier = 0

        @Option(help: "The capability that is needed, such as 'profile'.")
        var capability: String?

        @Option(help: "The client's address.")
        var ip: String?

        @Flag(help: "Print the checks as JSON.")
        var json = false

        func run() throws {
            let address = try ip.map { text in
                guard let address = IPAddress(text) else { throw ValidationError("--ip '\(text)' is not an address") }
                return address
            }
            let question = TokenQuestion(
                service: service,
                tier: tier,
                capability: capability,
                method: method?.uppercased(),
                path: path,
                clientAddress: address,
                now: Int64(Date().timeIntervalSince1970)
            )
            let token = try source.read()
            let ring = try KeyRing.configured(try Settings.load())
            let checks = ring.examine(token.macaroon, preimage: token.preimage, for: question)
            let failure = checks.compactMap(\.code).first
            if json {
                let entries = checks.map { Answer.Entry(check: $0.name, outcome: $0.word, detail: $0.detail) }
                try Terminal.say(json: Answer(valid: failure == nil, code: failure?.rawValue, checks: entries))
            } else {
                Terminal.table(checks.map { [$0.code == nil ? $0.word : "FAIL", $0.name, $0.detail] })
                Terminal.say(failure.map { "Refused: \($0.rawValue)." } ?? "No check failed.")
            }
            if failure != nil { throw ExitCode(1) }
        }

        private struct Answer: Encodable {
            struct Entry: Encodable {
                let check: String
                let outcome: String
                let detail: String
            }
            let valid: Bool
            let code: String?
            let checks: [Entry]
        }
    }

    /// Makes a token.
    struct Mint: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token for a payment hash, for operators; needs the key ring.",
            discussion: """
                The token is good once its holder presents the preimage of the hash and the payment has settled at the \
                node. Nothing is stored. The key ring is that of 'assay serve': ASSAY_L402_KEY_RING_FILE or \
                L402_MACAROON_SECRET.

                  assay token mint --payment-hash HASH --capability profile --valid-for 30d

                Exit codes: 0 made; 64 usage; 78 no key ring.
                """
        )

        @Option(help: "The invoice's payment hash, 64 hexadecimal digits.")
        var paymentHash: String

        @Option(help: "The service's name.")
        var service = "assay"

        @Option(help: "The tier, 0 to 255.")
        var tier = 0

        @Option(help: "What the token may be used for, such as 'profile'; may be repeated. Without it: everything.")
        var capability: [String] = []

        @Option(help: "How long it is good, such as 12h or 30d; or its end, as Unix seconds or RFC 3339 text.")
        var validFor: TimeOption

        @Option(help: "Only this method.")
        var method: String?

        @Option(help: "Only paths at or under this one.")
        var pathPrefix: String?

        @Option(help: "At most this many requests.")
        var uses: Int64?

        func run() throws {
            guard let hash = PaymentHash(hex: paymentHash) else {
                throw ValidationError("--payment-hash is not 64 hexadecimal digits")
            }
            let now = Int64(Date().timeIntervalSince1970)
            let terms = TokenTerms(
                service: service,
                tier: tier,
                capabilities: capability.isEmpty ? nil : capability,
                validUntil: validFor.unixTime(now: now),
                method: method?.uppercased(),
                pathPrefix: pathPrefix,
                uses: uses
            )
            let ring = try KeyRing.configured(try Settings.load())
            let macaroon = ring.mint(paymentHash: hash, terms: terms)
            // The gate's own reading finds what it would refuse later: a wrong tier, path or number.
            let question = TokenQuestion(service: service, tier: 0, now: now)
            if let check = ring.examine(macaroon, preimage: nil, for: question).first(where: { $0.code != nil }) {
                throw ValidationError("such a token would be refused: \(check.name): \(check.detail)")
            }
            Terminal.say(macaroon.token)
        }
    }
}

extension TokenCheck {
    fileprivate var code: Refusal.Code? {
        guard case .failed(let code) = outcome else { return nil }
        return code
    }

    /// The first word of a check's line.
    fileprivate var word: String {
        switch outcome {
        case .passed: "ok"
        case .failed: "failed"
        case .skipped: "skip"
        }
    }
}

/// A point in time on the command line.
enum TimeOption: ExpressibleByArgument {
    /// Unix seconds.
    case at(Int64)
    /// Seconds from now.
    case after(Int64)

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        if let unit = argument.last.flatMap({ units[$0] }), let count = Int64(argument.dropLast()), count > 0,
            count <= 1_000_000_000 / unit
        {
            self = .after(count * unit)
        } else if let time = Int64(argument), (0..<100_000_000_000).contains(time) {
            self = .at(time)
        } else if let date = try? Date.ISO8601FormatStyle.iso8601.parse(argument) {
            self = .at(Int64(date.timeIntervalSince1970))
        } else {
            return nil
        }
    }

    func unixTime(now: Int64) -> Int64 {
        switch self {
        case .at(let time): time
        case .after(let seconds): now + seconds
        }
    }
}
