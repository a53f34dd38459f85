// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a sandbox consists of.
public struct SandboxConfiguration: Sendable {
    /// One node of the sandbox.
    public struct Account: Sendable, Hashable {
        /// Letters, digits, `-` and `_`; also the node's alias and its directory.
        public var name: String
        /// The REST port; 0 takes any free one.
        public var port: Int
        /// What it can spend when it is opened; later starts keep what it has.
        public var balance: MilliSatoshi

        public init(name: String, port: Int = 0, balance: MilliSatoshi = .sat(10_000_000)) {
            self.name = name
            self.port = port
            self.balance = balance
        }
    }

    /// Where keys, certificates, macaroons and the journal are kept.
    public var directory: String
    /// The nodes; all of them are neighbours.
    public var accounts: [Account]
    /// The address to listen on.
    public var host: String
    /// The answer of `GET /v1/graph` in a file, plain or gzip; `nil` serves the graph of the accounts.
    public var graphFile: String?
    public var network: BitcoinNetwork

    public init(
        directory: String,
        accounts: [Account] = [Account(name: "merchant"), Account(name: "payer")],
        host: String = "127.0.0.1",
        graphFile: String? = nil,
        network: BitcoinNetwork = .regtest
    ) {
        self.directory = directory
        self.accounts = accounts
        self.host = host
        self.graphFile = graphFile
        self.network = network
    }

    func check() throws(SandboxError) {
        guard !accounts.isEmpty, accounts.count <= 64 else {
            throw SandboxError(.badConfiguration, "a sandbox has 1 to 64 accounts, not \(accounts.count)")
        }
        guard Set(accounts.map(\.name)).count == accounts.count else {
            throw SandboxError(.badConfiguration, "two accounts have the same name")
        }
        for account in accounts { try check(account) }
        let total = accounts.reduce(0) { $0 + Double($1.balance.msat) }
        guard total <= Double(MilliSatoshi.supply.msat) else {
            throw SandboxError(.badConfiguration, "the accounts together have more than 21 million bitcoin")
        }
    }

    private func check(_ account: Account) throws(SandboxError) {
        let isNamed = !account.name.isEmpty && account.name.utf8.count <= 32
        let isPlain = account.name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        guard isNamed, isPlain else {
            throw SandboxError(.badConfiguration, "account name \"\(account.name)\": 1 to 32 of A-Z a-z 0-9 - _")
        }
        guard (0...65_535).contains(account.port) else {
            throw SandboxError(.badConfiguration, "account \(account.name): port \(account.port) is not 0 to 65535")
        }
        guard account.balance >= .zero, account.balance <= .supply else {
            throw SandboxError(.badConfiguration, "account \(account.name): the balance is not 0 to 21 million bitcoin")
        }
    }
}

/// Where a node of a running sandbox is, and the files its callers need.
public struct SandboxAccountInfo: Sendable, Hashable {
    public let name: String
    /// Such as `https://127.0.0.1:39511`.
    public let restURL: String
    public let tlsCertPath: String
    public let adminMacaroonPath: String
    public let invoiceMacaroonPath: String
    public let readonlyMacaroonPath: String
    public let payMacaroonPath: String
    /// The node's public key.
    public let identity: NodeID

    init(name: String, restURL: String, files: NodeFiles, identity: NodeID) {
        self.name = name
        self.restURL = restURL
        tlsCertPath = files.certificatePath
        adminMacaroonPath = files.macaroonPath(.admin)
        invoiceMacaroonPath = files.macaroonPath(.invoice)
        readonlyMacaroonPath = files.macaroonPath(.readonly)
        payMacaroonPath = files.macaroonPath(.pay)
        self.identity = identity
    }
}
