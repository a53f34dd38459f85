// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import HummingbirdTLS
internal import LightningPrimitives
public import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
public import ServiceLifecycle

/// A Lightning network in one process: nodes that speak LND's REST interface and pay each other.
///
/// Each account is a node of its own, with its key, its listener, its certificate and its macaroons. Invoices are real:
/// signed BOLT 11 texts whose preimages hash to their payment hashes. Money exists only in the sandbox's journal, but
/// there it is conserved, and it survives a kill at any moment.
public final class Sandbox: Service {
    private let configuration: SandboxConfiguration
    private let logger: Logger
    private let clock: any SandboxClock
    private let readiness = Readiness<[SandboxAccountInfo]>()

    /// Makes a sandbox that does nothing before ``run()``.
    public convenience init(configuration: SandboxConfiguration, logger: Logger) {
        self.init(configuration: configuration, logger: logger, clock: SystemSandboxClock())
    }

    init(configuration: SandboxConfiguration, logger: Logger, clock: any SandboxClock) {
        self.configuration = configuration
        self.logger = logger
        self.clock = clock
    }

    /// Waits until every node answers.
    ///
    /// - Throws: what keeps the sandbox from running.
    public func ready() async throws -> [SandboxAccountInfo] { try await readiness.value }

    /// Runs all nodes until graceful shutdown or cancellation.
    ///
    /// - Throws: ``SandboxError`` and errors of the listeners.
    public func run() async throws {
        do {
            try configuration.check()
            let pool = NIOThreadPool.singleton
            let (ledger, accounts) = try await pool.runIfActive { [self] in try openAccounts() }
            let outcome: Result<Void, any Error>
            do {
                // A macaroon file must not outlive a root key that a crash kept from the journal.
                try await ledger.settled()
                let nodes = try await pool.runIfActive { [self] in try prepare(accounts, ledger) }
                outcome = .success(try await serveUntilStopped(nodes, ledger))
            } catch {
                outcome = .failure(error)
            }
            await ledger.release()
            try outcome.get()
            readiness.resolve(.failure(SandboxError(.stopped, "the sandbox has stopped")))
        } catch {
            readiness.resolve(.failure(error))
            throw error
        }
    }

    /// A node before it listens.
    private struct PreparedNode: Sendable {
        let account: SandboxConfiguration.Account
        let node: Node
        let files: NodeFiles
        let identity: NodeID
        let tls: TLSConfiguration
    }

    /// An account of the journal.
    private struct OpenedAccount: Sendable {
        let account: SandboxConfiguration.Account
        let index: Int
        let rootKey: [UInt8]
        let identity: NodeID
    }

    /// Opens the journal and the accounts in it; blocks.
    private func openAccounts() throws -> (Ledger, [OpenedAccount]) {
        try PrivateFile.makeDirectory(configuration.directory)
        let ledger = try Ledger(path: configuration.directory + "/journal.jsonl", network: configuration.network)
        let accounts = configuration.accounts
        let opened = ledger.changeNow { state in
            accounts.map { account in
                let index = state.openAccount(account.name, balance: account.balance)
                return OpenedAccount(
                    account: account,
                    index: index,
                    rootKey: state.rootKey(0, of: index),
                    identity: state.accounts[index].identity
                )
            }
        }
        return (ledger, opened)
    }

    /// Makes the accounts' files and starts to read the graph; blocks.
    private func prepare(_ accounts: [OpenedAccount], _ ledger: Ledger) throws -> [PreparedNode] {
        let now = clock.now
        let source = configuration.graphFile.map { Graph.Source.file($0) }
        let own = ledger.changeNow { NeighbourGraph.document($0, now: now) }
        let graph = Graph(source: source ?? .document(own), directory: configuration.directory)
        graph.startLoading()
        return try accounts.map { opened in
            let files = NodeFiles(directory: configuration.directory + "/" + opened.account.name)
            let certificate = try files.certificate(now: now)
            try files.bakeMacaroons(rootKey: opened.rootKey)
            return PreparedNode(
                account: opened.account,
                node: Node(account: opened.index, ledger: ledger, clock: clock, graph: graph),
                files: files,
                identity: opened.identity,
                tls: try Self.tls(certificate)
            )
        }
    }

    private static func tls(_ certificate: NodeCertificate) throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.certificatePEM.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(certificate.keyPEM.utf8), format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        tls.minimumTLSVersion = .tlsv12
        // A stopping node waits this long for a caller's own end of TLS, which idle connection pools never send.
        tls.shutdownTimeout = .milliseconds(250)
        return tls
    }

    /// Ends all streams when the sandbox is to stop, because the listeners wait for them.
    private func serveUntilStopped(_ nodes: [PreparedNode], _ ledger: Ledger) async throws {
        let endStreams: @Sendable () -> Void = {
            ledger.bell.close()
            for prepared in nodes { prepared.node.graph.feed.close() }
        }
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await serve(nodes, ledger)
            } onGracefulShutdown: {
                endStreams()
            }
        } onCancel: {
            endStreams()
        }
    }

    private func serve(_ nodes: [PreparedNode], _ ledger: Ledger) async throws {
        let logger = logger
        try await withThrowingTaskGroup(of: SandboxAccountInfo?.self) { group in
            for prepared in nodes {
                let listening = Readiness<Int>()
                let application = try application(prepared, listening)
                let host = configuration.host
                group.addTask {
                    defer { listening.resolve(.failure(SandboxError(.stopped, "the listener has stopped"))) }
                    do {
                        try await application.run()
                    } catch {
                        listening.resolve(.failure(error))
                        throw error
                    }
                    return nil
                }
                group.addTask {
                    let shownHost = host.contains(":") ? "[\(host)]" : host
                    let url = "https://\(shownHost):\(try await listening.value)"
                    logger.info(
                        "sandbox node listens",
                        metadata: ["sandbox.account": "\(prepared.account.name)", "sandbox.rest_url": "\(url)"]
                    )
                    return SandboxAccountInfo(
                        name: prepared.account.name,
                        restURL: url,
                        files: prepared.files,
                        identity: prepared.identity
                    )
                }
            }
            group.addTask { [clock] in
                await ExpiryWatcher(ledger: ledger, clock: clock).run()
                return nil
            }
            var infos: [SandboxAccountInfo] = []
            while let info = try await group.next() {
                if let info { infos.append(info) }
                guard infos.count == nodes.count else { continue }
                let order = nodes.map(\.account.name)
                readiness.resolve(.success(order.compactMap { name in infos.first { $0.name == name } }))
            }
        }
    }

    private func application(
        _ prepared: PreparedNode,
        _ listening: Readiness<Int>
    ) throws -> Application<NodeResponder> {
        Application(
            responder: NodeResponder(node: prepared.node),
            server: try .tls(
                .http1(configuration: .init(additionalChannelHandlers: [CloseOnInputClosed()])),
                tlsConfiguration: prepared.tls
            ),
            configuration: .init(
                address: .hostname(configuration.host, port: prepared.account.port),
                serverName: nil
            ),
            onServerRunning: { channel in listening.resolve(.success(channel.localAddress?.port ?? 0)) },
            logger: logger
        )
    }
}
