// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import L402Client
import LND
import LightningPrimitives
import Logging
import PurchaseReceipts
import Supervisor

/// Calls a URL and pays for it.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Call a URL and pay for it over Lightning, if it asks.",
        discussion: """
            Shows the price and asks before paying, unless --max-sats allows it. The answer goes to standard output.

            The wallet is an LND node: --wallet names a run.json of 'assay run' (its payer pays), or give --lnd, \
            --tls-cert and --macaroon of your own node; the macaroon needs offchain:read and offchain:write.

              assay get http://127.0.0.1:3000/api/profile/PUBKEY \\
                --wallet ./assay-data/run.json --max-sats 10
              assay get http://127.0.0.1:3000/api/verdicts --data '{"hashes":["PUBKEY"]}' \\
                --wallet run.json

            A token that is paid but not served is kept in a file, to be used with --token-file.

            --save-receipt FILE keeps what 'assay receipt verify FILE' needs to prove, later and offline, what was bought: \
            the signed receipt, the request and the answer. Neither token nor preimage is in it.

            Exit codes: 0 answered; 1 the service answered with an error; 2 the service cannot be reached; \
            3 not paid (declined, or over --max-sats); 4 the payment failed; 5 paid but not served; \
            6 the payment's state is unknown; 7 answered, but without a valid receipt to save; 64 usage.
            """
    )

    @Argument(help: "The URL to call.")
    var url: String

    @Option(help: "Pay up to this many satoshi without asking.")
    var maxSats: Int64?

    @Option(help: "A run.json whose payer node pays.")
    var wallet: String?

    @Option(help: "REST address of the paying LND node.")
    var lnd: String?

    @Option(help: "The paying node's tls.cert.")
    var tlsCert: String?

    @Option(help: "A macaroon file of the paying node.")
    var macaroon: String?

    @Option(name: [.customShort("X"), .long], help: "The method; POST when there is data, GET otherwise.")
    var method: String?

    @Option(name: [.customShort("d"), .long], help: "A JSON body, or @FILE.")
    var data: String?

    @Option(name: [.customShort("H"), .long], help: "A header 'Name: value'; may be repeated.")
    var header: [String] = []

    @Option(help: "A file with a token that was paid earlier.")
    var tokenFile: String?

    @Option(help: "Keep the service's signed receipt with request and answer in this file.")
    var saveReceipt: String?

    @Flag(name: .shortAndLong, help: "Show each step.")
    var verbose = false

    func run() async throws {
        let isVerbose = verbose
        let node = try LNDClient(configuration: walletConfiguration(), logger: Logger(label: "wallet"))
        let client = PayingClient(wallet: node) { if isVerbose { Terminal.note("* \($0)") } }
        do {
            let limit = maxSats
            let call = try call()
            let answer = try await client.fetch(call, token: try storedToken()) { Self.agree($0, limit: limit) }
            await node.shutdown()
            if isVerbose { show(answer) }
            Terminal.say(Data(answer.body))
            if answer.body.last != UInt8(ascii: "\n") { print() }
            guard (200..<400).contains(answer.status) else {
                throw Failure(1, "\(url) answered \(answer.status)")
            }
            if let saveReceipt { try Self.save(answer, to: call, in: saveReceipt) }
        } catch let error as PayingClientError {
            await node.shutdown()
            throw try failure(error)
        }
    }

    private func walletConfiguration() throws -> LNDConfiguration {
        if let wallet {
            guard let file = try? RunFile.read(wallet) else {
                throw ValidationError("--wallet \(wallet) is not a run.json of 'assay run'")
            }
            return LNDConfiguration(
                restURL: file.payer.restUrl,
                tlsCertificatePath: file.payer.tlsCert,
                macaroonPath: file.payer.macaroon
            )
        }
        // Without a wallet the answer can still be had when it is free; paying then fails with what is missing.
        return LNDConfiguration(
            restURL: lnd ?? "https://localhost:8080",
            tlsCertificatePath: tlsCert ?? NSHomeDirectory() + "/.lnd/tls.cert",
            macaroonPath: macaroon
                ?? NSHomeDirectory() + "/.lnd/data/chain/bitcoin/mainnet/router.macaroon"
        )
    }

    private func call() throws -> PaidCall {
        var headers: [(name: String, value: String)] = []
        for line in header {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2 else { throw ValidationError("--header wants 'Name: value', found '\(line)'") }
            headers.append((parts[0], parts[1]))
        }
        var body: [UInt8]?
        if let data {
            if data.hasPrefix("@") {
                guard let contents = FileManager.default.contents(atPath: String(data.dropFirst())) else {
                    throw ValidationError("\(data.dropFirst()) cannot be read")
                }
                body = Array(contents)
            } else {
                body = Array(data.utf8)
            }
            if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
                headers.append(("Content-Type", "application/json"))
            }
        }
        guard let parsed = URL(string: url), parsed.scheme == "http" || parsed.scheme == "https", parsed.host != nil
        else {
            throw ValidationError("'\(url)' is not an http or https URL")
        }
        return PaidCall(
            url: url,
            method: method?.uppercased() ?? (body == nil ? "GET" : "POST"),
            headers: headers,
            body: body
        )
    }

    private func storedToken() throws -> PaidToken? {
        guard let tokenFile else { return nil }
        guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
            throw ValidationError("--token-file \(tokenFile) cannot be read")
        }
        return PaidToken(text: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func agree(_ offer: Offer, limit: Int64?) -> Bool {
        let sats = offer.price.satCeiling
        if let limit {
            guard sats > limit else { return true }
            Terminal.note("The price is \(sats) sat, more than --max-sats \(limit).")
            return false
        }
        guard Terminal.isInteractive else {
            Terminal.note("The price is \(sats) sat. Nobody can be asked here: allow it with --max-sats \(sats).")
            return false
        }
        return Terminal.confirm("Pay \(sats) sat (\(offer.network.rawValue)) for '\(offer.description)'?")
    }

    private func show(_ answer: PaidAnswer) {
        Terminal.note("* \(answer.status), paid \(answer.paid.satCeiling) sat, fee \(answer.fee.msat) msat")
        for name in ["L402-Payment", "L402-Balance", "L402-Expires", "X-Request-Id"] {
            if let value = answer.header(name) { Terminal.note("* \(name): \(value)") }
        }
    }

    /// Keeps the receipt, valid or not: an invalid one is evidence too.
    private static func save(_ answer: PaidAnswer, to call: PaidCall, in path: String) throws {
        guard let header = answer.header("L402-Receipt"), let target = call.target else {
            throw Failure(7, "the service sent no receipt; nothing was saved")
        }
        let receipt: SignedReceipt
        do {
            receipt = try SignedReceipt(headerValue: header)
        } catch {
            throw Failure(7, "the service's receipt cannot be read (\(error)); nothing was saved")
        }
        let file = ReceiptFile(
            receipt: receipt,
            url: call.url,
            serverKey: "",
            method: call.method,
            target: target,
            requestBody: call.body ?? [],
            status: answer.status,
            responseBody: answer.body,
            paymentHash: answer.paymentHash,
            paid: answer.paid == .zero ? nil : answer.paid,
            receivedAt: Int64(Date().timeIntervalSince1970)
        )
        // Private, because the answer may be.
        try PrivateFile.write(Array(file.data), to: path)
        let failed = file.verify(expectedKey: nil).entries.filter { $0.outcome == .failed }
        guard failed.isEmpty else {
            let checks = failed.map { "\($0.check.rawValue): \($0.detail)" }.joined(separator: "; ")
            throw Failure(7, "the receipt in \(path) is not valid: \(checks)")
        }
        Terminal.note("The receipt is in \(path): check it with 'assay receipt verify \(path) --key KEY'.")
    }

    private func failure(_ error: PayingClientError) throws -> Failure {
        switch error {
        case .unreachable: return Failure(2, error.description)
        case .noUsableChallenge: return Failure(1, error.description)
        case .declined: return Failure(3, error.description)
        case .paymentFailed: return Failure(4, "\(error); is the wallet given? (--wallet, or --lnd with its files)")
        case .paymentUnknown: return Failure(6, error.description)
        case .notServed(_, let token, _):
            let path = "assay-token-\(UUID().uuidString.prefix(8).lowercased()).txt"
            try PrivateFile.write(Array(token.text.utf8), to: path)
            return Failure(5, "\(error)\nThe token is kept in \(path): repeat with --token-file \(path)")
        }
    }
}
