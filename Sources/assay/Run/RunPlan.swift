// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Supervisor

/// Which ports and files a run uses; those of the run before it, where they are still free.
struct RunPlan {
    let directory: RunDirectory
    let host: String
    let apiPort: Int
    let metricsPort: Int
    let merchantPort: Int
    let payerPort: Int
    let roughtimePort: Int
    let roughtimeMetricsPort: Int
    let roughtime: RunRoughtime
    let signers: RunSigners
    let keyShare: RunKeyShare
    let graph: String?

    init(
        directory: RunDirectory,
        roughtime: RunRoughtime,
        settings: Settings,
        host: String,
        port: Int?,
        graph: String?
    ) throws {
        self.directory = directory
        self.roughtime = roughtime
        self.host = host
        let previous = directory.previousRun
        var ports = FreePorts()
        if let port, port != 0 {
            guard ports.give(port) else {
                throw Failure(Failure.unavailable, "port \(port) is taken; choose another with --port")
            }
            apiPort = port
        } else {
            apiPort = try ports.port(previous?.api, standard: port == 0 ? 0 : settings.integer(.port) ?? 3000)
        }
        metricsPort = try ports.port(previous?.crawlerMetrics, standard: settings.integer(.crawlerMetricsPort) ?? 9091)
        merchantPort = try ports.port(previous?.lnd.restUrl, standard: 18080)
        payerPort = try ports.port(previous?.payer.restUrl, standard: 18081)
        roughtimePort = try ports.port(previous?.roughtime.map { "http://\($0.udp)" }, standard: 15319)
        let metrics = settings.integer(.roughtimeMetricsPort) ?? 9092
        roughtimeMetricsPort = metrics == 0 ? 0 : try ports.port(nil, standard: metrics)
        signers = try RunSigners(directory: directory, ports: &ports)
        keyShare = try RunKeyShare(directory: directory, ports: &ports)
        self.graph = graph ?? ProgramFiles.graphSnapshot
        if self.graph == nil {
            throw Failure(
                Failure.unavailable,
                "the graph snapshot was not found beside the program; give one with --graph"
            )
        }
    }

    var api: String { "http://\(host == "0.0.0.0" ? "127.0.0.1" : host):\(apiPort)" }
    var crawlerMetrics: String { "http://127.0.0.1:\(metricsPort)" }
    var roughtimeMetrics: String? { roughtimeMetricsPort == 0 ? nil : "http://127.0.0.1:\(roughtimeMetricsPort)" }

    /// What `run.json` says.
    ///
    /// - Parameter hasKeyShareNode: whether the run has one.
    func runFile(database: String, pids: [String: Int32], hasKeyShareNode: Bool) -> RunFile {
        let (merchant, payer) = (directory.sandbox + "/merchant", directory.sandbox + "/payer")
        return RunFile(
            api: api,
            crawlerMetrics: crawlerMetrics,
            database: database,
            lnd: .init(
                restUrl: "https://127.0.0.1:\(merchantPort)",
                tlsCert: merchant + "/tls.cert",
                invoiceMacaroon: merchant + "/invoice.macaroon",
                readonlyMacaroon: merchant + "/readonly.macaroon",
                payMacaroon: merchant + "/pay.macaroon"
            ),
            payer: .init(
                restUrl: "https://127.0.0.1:\(payerPort)",
                tlsCert: payer + "/tls.cert",
                macaroon: payer + "/pay.macaroon"
            ),
            roughtime: .init(
                udp: "127.0.0.1:\(roughtimePort)",
                tcp: "127.0.0.1:\(roughtimePort)",
                http: String(api.dropFirst("http://".count)),
                publicKey: roughtime.publicKey,
                metrics: roughtimeMetrics
            ),
            signers: signers.entries,
            keyshare: hasKeyShareNode ? keyShare.entry : nil,
            operatorTokenFile: directory.operatorToken,
            apiKeyFile: directory.apiKey,
            pids: pids
        )
    }
}

extension FreePorts {
    /// The port of the run before, or the usual one, or another that is free.
    ///
    /// - Parameter previous: the URL that it had.
    mutating func port(_ previous: String?, standard: Int) throws -> Int {
        let used = previous.flatMap { URLComponents(string: $0)?.port }
        guard let port = take(preferring: used ?? standard) else {
            throw Failure(Failure.unavailable, "no free TCP port on the loopback")
        }
        return port
    }
}
