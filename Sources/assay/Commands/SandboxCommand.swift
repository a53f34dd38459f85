// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LightningPrimitives
import LightningSandbox
import Logging
import ServiceLifecycle
import Supervisor

/// Runs a Lightning node for development and tests.
struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "Run an LND-compatible REST node with a merchant and a payer; no real money.",
        discussion: """
            Both accounts are nodes of their own: own address, own TLS certificate, own macaroons in DIR/ACCOUNT. They pay \
            each other's lnbcrt invoices. /v1/graph serves a graph file, plain or gzip.

              assay sandbox --data ./sandbox \\
                --graph Examples/graph/mainnet-2026-02-03.graph.json.gz
            """
    )

    @Option(help: "Directory of keys, certificates, macaroons and the journal.")
    var data: String

    @Option(help: "The graph that /v1/graph serves: LND's JSON, plain or gzip.")
    var graph: String?

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port of the merchant; 0 picks a free one.")
    var merchantPort = 8080

    @Option(help: "Port of the payer; 0 picks a free one.")
    var payerPort = 8081

    @Option(help: "What each account begins with, in satoshi.")
    var balance: Int64 = 100_000_000

    @Option(help: .hidden)
    var parent: Int32?

    func run() async throws {
        let logger = Logs.start("assay.sandbox", level: .info)
        guard let start = MilliSatoshi(exactlySat: balance), start <= .supply, start > .zero else {
            throw ValidationError("--balance is between 1 and 2100000000000000 satoshi")
        }
        let sandbox = Sandbox(
            configuration: .init(
                directory: data,
                accounts: [
                    .init(name: "merchant", port: merchantPort, balance: start),
                    .init(name: "payer", port: payerPort, balance: start),
                ],
                host: host,
                graphFile: graph ?? ProgramFiles.graphSnapshot,
                network: .regtest
            ),
            logger: logger
        )
        try await Services.run([sandbox, Announcer(sandbox: sandbox)], parent: parent, logger: logger)
    }

    /// Prints where the accounts are, once they are.
    private struct Announcer: Service {
        let sandbox: Sandbox

        func run() async throws {
            for account in try await sandbox.ready() {
                Terminal.say("\(account.name): \(account.restURL)")
                Terminal.say("    tls certificate   \(account.tlsCertPath)")
                Terminal.say("    admin macaroon    \(account.adminMacaroonPath)")
                Terminal.say("    invoice macaroon  \(account.invoiceMacaroonPath)")
                Terminal.say("    readonly macaroon \(account.readonlyMacaroonPath)")
                Terminal.say("    pay macaroon      \(account.payMacaroonPath)")
            }
            try? await gracefulShutdown()
        }
    }
}
