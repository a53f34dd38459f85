// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Logging
import ServiceLifecycle
import Settings
import Supervisor
import Synchronization

/// The processes of a run and what each of them is given.
final class RunStack: Sendable {
    let plan: RunPlan
    let database: String
    /// The run's own database cluster; nil beside an operator's.
    let cluster: EmbeddedPostgres.Endpoint?
    let logger: Logger
    private let pids = Mutex<[String: Int32]>(["run": getpid()])

    init(plan: RunPlan, database: String, cluster: EmbeddedPostgres.Endpoint?, logger: Logger) {
        self.plan = plan
        self.database = database
        self.cluster = cluster
        self.logger = logger
    }

    /// The supervisors, in the order of starting.
    var services: [any Service] {
        let delegate = DelegateRunner(
            files: plan.roughtime,
            environment: responder.environment,
            logFile: plan.directory.log("roughtime-delegate"),
            logger: logger
        )
        return [delegate]
            + ([sandbox, responder, serve, crawl] + (1...RunSigners.count).map(signer) + keyShareNodes).map { child in
                ProcessSupervisor(child, logger: logger) { id in
                    self.pids.withLock { $0[child.name] = id }
                    self.writeRunFile()
                }
            }
    }

    /// Writes `run.json` as things stand.
    func writeRunFile() {
        // One at a time: they would write the same temporary file.
        pids.withLock { pids in
            let file = runFile(pids: pids)
            do { try file.write(to: plan.directory.runFile) } catch {
                logger.error("run.json was not written", metadata: ["error": "\(error)"])
            }
        }
    }

    private func runFile(pids: [String: Int32]) -> RunFile {
        plan.runFile(database: database, pids: pids, hasKeyShareNode: cluster != nil)
    }

    private var sandbox: Child {
        let ports = ["--merchant-port", "\(plan.merchantPort)", "--payer-port", "\(plan.payerPort)"]
        let graph = plan.graph.map { ["--graph", $0] } ?? []
        return child("sandbox", ["--data", plan.directory.sandbox] + ports + graph, [:])
    }

    private var serve: Child {
        let node = runFile(pids: [:]).lnd
        return child(
            "serve",
            [],
            [
                Setting.roughtimeSocket.name: plan.roughtime.socket,
                Setting.roughtimePublicKey.name: plan.roughtime.publicKeyFile,
                Setting.host.name: plan.host, Setting.port.name: "\(plan.apiPort)",
                Setting.databaseURL.name: database, Setting.lndURL.name: node.restUrl,
                Setting.lndCertificate.name: node.tlsCert, Setting.invoiceMacaroon.name: node.invoiceMacaroon,
                "\(Setting.keyRing.name)_FILE": plan.directory.keyRing,
                "\(Setting.operatorSecret.name)_FILE": plan.directory.operatorToken,
                "\(Setting.apiKey.name)_FILE": plan.directory.apiKey,
            ]
            .merging(held(.receiptKey, plan.directory.receiptKey, unless: .receiptGroup)) { $1 }
            .merging(oraclePublicKey) { $1 },
            // One person on one machine: the limits for strangers would only be in the way.
            standard: [
                Setting.globalLimit.name: "60000", Setting.discoveryLimit.name: "60000",
                Setting.challengeRate.name: "1000", Setting.challengeBurst.name: "2000",
                Setting.totalChallengeRate.name: "2000", Setting.openInvoices.name: "100000",
                Setting.modules.name: "oracle,roughtime",
            ]
        )
    }

    /// The file of a key of the run's own, unless the operator lets several signers hold that key.
    private func held(_ key: Setting, _ file: String, unless group: Setting) -> [String: String] {
        let isShared = ProcessInfo.processInfo.environment[group.name]?.isEmpty == false
        return isShared ? [:] : ["\(key.name)_FILE": file]
    }

    private var oraclePublicKey: [String: String] {
        guard !held(.oracleKey, "", unless: .oracleGroup).isEmpty, let key = plan.directory.oraclePublicKey else {
            return [:]
        }
        return [Setting.oraclePublicKey.name: key]
    }

    private var responder: Child {
        let files = plan.roughtime
        return child(
            "roughtime",
            [],
            [
                Setting.roughtimeListen.name: "127.0.0.1:\(plan.roughtimePort)",
                Setting.roughtimeSocket.name: files.socket,
                Setting.roughtimePublicKey.name: files.publicKeyFile,
                Setting.roughtimeRequestFile.name: files.request,
                Setting.roughtimeCertificates.name: files.certificates,
                Setting.roughtimeMetricsPort.name: "\(plan.roughtimeMetricsPort)",
                "\(Setting.apiKey.name)_FILE": plan.directory.apiKey,
            ],
            // Fresh machines and containers are often not synchronised; the radius says so.
            standard: [Setting.roughtimeUnsynchronised.name: "wide"],
            command: ["roughtime", "serve"]
        )
    }

    private func signer(_ number: Int) -> Child {
        child(
            RunSigners.name(number),
            [],
            plan.signers.environment(of: number, cluster),
            command: ["signer", "serve"]
        )
    }

    /// The key share node; none beside an operator's database, which may not hold one.
    private var keyShareNodes: [Child] {
        guard let cluster else { return [] }
        return [
            child(
                "keyshare",
                [],
                plan.keyShare.environment(cluster),
                // One person on one machine: the limit for strangers would only be in the way.
                standard: [Setting.keyShareRequests.name: "600000"],
                command: ["keyshare", "serve"]
            )
        ]
    }

    private var crawl: Child {
        let run = runFile(pids: [:])
        let node = run.lnd
        return child(
            "crawl",
            [],
            [
                Setting.databaseURL.name: database, Setting.lndURL.name: node.restUrl,
                Setting.lndCertificate.name: node.tlsCert, Setting.readonlyMacaroon.name: node.readonlyMacaroon,
                Setting.crawlerMetricsPort.name: "\(plan.metricsPort)",
                "\(Setting.apiKey.name)_FILE": plan.directory.apiKey,
                Setting.payerURL.name: run.payer.restUrl, Setting.payerCertificate.name: run.payer.tlsCert,
                Setting.payMacaroon.name: run.payer.macaroon,
            ]
            .merging(held(.oracleKey, plan.directory.oracleKey, unless: .oracleGroup)) { $1 },
            // The sandbox's money buys nothing from services of the real network.
            standard: [Setting.registry402Index.name: "off", Setting.registryL402Directory.name: "off"]
        )
    }

    /// A child with what the operator has set, what this run decides, and nothing else.
    private func child(
        _ name: String,
        _ arguments: [String],
        _ decided: [String: String],
        standard: [String: String] = [:],
        command: [String]? = nil
    ) -> Child {
        let inherited = ProcessInfo.processInfo.environment
        let plain = Setting.all.filter { !$0.isSecret }.map(\.name) + ["PATH", "HOME", "TZ", "LANG"]
        var environment = standard
        for key in plain { if let value = inherited[key] { environment[key] = value } }
        environment.merge(decided) { _, new in new }
        return Child(
            name: name,
            executable: ProgramFiles.executable.path,
            arguments: (command ?? [name]) + ["--parent", "\(getpid())"] + arguments,
            environment: environment,
            logFile: plan.directory.log(name)
        )
    }
}
