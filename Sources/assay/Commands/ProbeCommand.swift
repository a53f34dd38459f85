// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bolt11
import Foundation
import LightningPrimitives
import OutboundHTTP
import ServiceChecks
import ServiceProbing
import Settings

/// Looks at a service the way the crawler does.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Ask an L402 service once and tell what its answer means; pays nothing.",
        discussion: """
            Shows the protocol, the format of the token, what the invoice asks for and whether it could be paid. \
            Only addresses of the public internet are asked; ASSAY_PROBE_ALLOWED_NETWORKS adds others.

            Exit codes: 0 an L402 challenge that can be paid, 65 any other answer, 69 no answer, 77 not asked.

              assay probe https://example.com/paid
              ASSAY_PROBE_ALLOWED_NETWORKS=127.0.0.0/8 \\
                assay probe --network regtest http://127.0.0.1:3000/paid
            """
    )

    enum Network: String, ExpressibleByArgument, CaseIterable {
        case mainnet, testnet, signet, regtest

        var bitcoin: BitcoinNetwork { BitcoinNetwork(rawValue: rawValue) ?? .mainnet }
    }

    @Argument(help: "The service's URL.")
    var url: String

    @Flag(help: "Ask with POST and an empty JSON object instead of GET.")
    var post = false

    @Option(help: "The network that invoices have to be of.")
    var network = Network.mainnet

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let settings = try Settings.load()
        let identity = EndpointIdentity(url)
        let endpoint = Endpoint(
            unlisted: url,
            hash: identity?.hash ?? [],
            host: identity?.host ?? "",
            method: post ? "POST" : "GET"
        )
        let checker = ServiceChecker(try .probing(settings), network: network.bitcoin)
        let check = await checker.check(endpoint)
        let result = ProbeResult(check)
        if json { try Terminal.say(json: result) } else { Terminal.table(rows(result, check, settings)) }
        if let code = Self.exitCode(check) { throw ExitCode(code) }
    }

    /// `nil` when all is well.
    private static func exitCode(_ check: ServiceCheck) -> Int32? {
        if case .refused? = check.error { return Failure.refused }
        if check.answer == nil { return Failure.unavailable }
        return check.invoiceCheck == .valid ? nil : Failure.unreadable
    }

    private func rows(_ result: ProbeResult, _ check: ServiceCheck, _ settings: Settings) -> [[String]] {
        var rows = [["url", url]]
        let latency = result.firstFetch.latencyMs
        rows.append(
            [
                "answer",
                check.status.map { "status \($0) after \(latency) ms" } ?? result.firstFetch.httpError ?? "none",
            ]
        )
        rows.append(["meaning", check.answer?.sentence ?? "nothing was learnt of the service"])
        guard let offer = check.offer else { return rows }
        rows.append(["token", offer.format.words + (offer.isReadableByLnget ? "; lnget can read it" : "")])
        rows.append(["invoice", check.invoiceCheck?.sentence ?? "there is none"])
        if let payee = check.invoice?.payee { rows.append(["payee", payee.hex]) }
        if let amount = check.invoice?.amount, check.invoiceCheck == .valid {
            rows.append(["a purchase", purchase(amount, settings)])
        }
        return rows
    }

    private func purchase(_ amount: MilliSatoshi, _ settings: Settings) -> String {
        let fee = settings.integer(.paidProbeFeeLimit) ?? 10
        let cap = settings.satoshi(.paidProbeCap)
        let price = "\(amount.satCeiling) sat, and at most \(fee) sat for the way"
        return amount <= cap ? price : "\(price); the crawler pays at most \(cap.satCeiling) sat for a probe"
    }
}
