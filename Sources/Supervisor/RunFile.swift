// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// What `assay run` tells other programs: every address and every credential file, in `run.json` of the data directory.
public struct RunFile: Sendable, Codable, Hashable {
    /// The node that sells.
    public struct Node: Sendable, Codable, Hashable {
        public var restUrl: String
        public var tlsCert: String
        public var invoiceMacaroon: String
        public var readonlyMacaroon: String
        public var payMacaroon: String

        public init(
            restUrl: String,
            tlsCert: String,
            invoiceMacaroon: String,
            readonlyMacaroon: String,
            payMacaroon: String
        ) {
            self.restUrl = restUrl
            self.tlsCert = tlsCert
            self.invoiceMacaroon = invoiceMacaroon
            self.readonlyMacaroon = readonlyMacaroon
            self.payMacaroon = payMacaroon
        }
    }

    /// A node with money to spend.
    public struct Payer: Sendable, Codable, Hashable {
        public var restUrl: String
        public var tlsCert: String
        public var macaroon: String

        public init(restUrl: String, tlsCert: String, macaroon: String) {
            self.restUrl = restUrl
            self.tlsCert = tlsCert
            self.macaroon = macaroon
        }
    }

    /// The Roughtime responder.
    public struct TimeServer: Sendable, Codable, Hashable {
        /// Host and port.
        public var udp: String
        public var tcp: String
        /// Of the gateway, which answers `POST /roughtime`.
        public var http: String
        /// The long-term key in base64.
        public var publicKey: String
        /// Where its figures are; `nil` when they are off.
        public var metrics: String?

        public init(udp: String, tcp: String, http: String, publicKey: String, metrics: String? = nil) {
            self.udp = udp
            self.tcp = tcp
            self.http = http
            self.publicKey = publicKey
            self.metrics = metrics
        }
    }

    /// A holder of shares of keys.
    public struct Signer: Sendable, Codable, Hashable {
        public var url: String

        public init(url: String) { self.url = url }
    }

    /// The key share node, and the login provider for trying it out.
    public struct KeyShareNode: Sendable, Codable, Hashable {
        public struct TestIssuer: Sendable, Codable, Hashable {
            public var url: String
            /// `POST {"sub","email",...}` answers `{"id_token"}`.
            public var mintTokenUrl: String

            public init(url: String, mintTokenUrl: String) {
                self.url = url
                self.mintTokenUrl = mintTokenUrl
            }
        }

        public var url: String
        public var adminPasswordFile: String
        public var testIssuer: TestIssuer

        public init(url: String, adminPasswordFile: String, testIssuer: TestIssuer) {
            self.url = url
            self.adminPasswordFile = adminPasswordFile
            self.testIssuer = testIssuer
        }
    }

    public var api: String
    public var crawlerMetrics: String
    /// The database's connection URL; without a password.
    public var database: String
    public var lnd: Node
    public var payer: Payer
    /// Missing in files of versions that had none.
    public var roughtime: TimeServer?
    /// Missing in files of versions that had none.
    public var signers: [Signer]?
    /// Missing in files of versions that had none.
    public var keyshare: KeyShareNode?
    public var operatorTokenFile: String
    public var apiKeyFile: String
    public var pids: [String: Int32]

    public init(
        api: String,
        crawlerMetrics: String,
        database: String,
        lnd: Node,
        payer: Payer,
        roughtime: TimeServer? = nil,
        signers: [Signer]? = nil,
        keyshare: KeyShareNode? = nil,
        operatorTokenFile: String,
        apiKeyFile: String,
        pids: [String: Int32]
    ) {
        self.api = api
        self.crawlerMetrics = crawlerMetrics
        self.database = database
        self.lnd = lnd
        self.payer = payer
        self.roughtime = roughtime
        self.signers = signers
        self.keyshare = keyshare
        self.operatorTokenFile = operatorTokenFile
        self.apiKeyFile = apiKeyFile
        self.pids = pids
    }

    /// Reads a run file.
    public static func read(_ path: String) throws -> RunFile {
        try JSONDecoder().decode(RunFile.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Writes the file, readable by its owner only, in one step.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try PrivateFile.write(Array(try encoder.encode(self)) + [UInt8(ascii: "\n")], to: path)
    }

    /// Stops processes that an earlier, killed run left behind.
    ///
    /// Only processes that still run the given program are touched: a process id may belong to somebody else by now.
    public func stopLeftovers(program: String) async {
        // The run's own process is whoever asks, or somebody else by now.
        let left = pids.filter { $0.key != "run" }.values.filter { Self.runs($0, program) }
        for id in left { kill(id, SIGTERM) }
        for _ in 0..<200 where left.contains(where: { Self.runs($0, program) }) {
            try? await Task.sleep(for: .milliseconds(50))
        }
        for id in left where Self.runs(id, program) { kill(id, SIGKILL) }
    }

    private static func runs(_ id: Int32, _ program: String) -> Bool {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/exe")
        // A program that was rebuilt meanwhile shows as deleted.
        return link == program || link == program + " (deleted)"
    }
}

/// Files that only their owner may read.
public enum PrivateFile {
    /// Why a file could not be written.
    public struct NotWritten: Error, CustomStringConvertible {
        public let description: String
    }

    /// Writes a file with mode 0600 in one step: readers see the old contents or the new.
    public static func write(_ bytes: [UInt8], to path: String) throws(NotWritten) {
        let temporary = "\(path).\(getpid()).tmp"
        let isCreated = FileManager.default.createFile(
            atPath: temporary,
            contents: Data(bytes),
            attributes: [.posixPermissions: 0o600]
        )
        guard isCreated, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw NotWritten(description: "\(path) cannot be written")
        }
    }

    /// The file's contents; made by `create` when there is no file yet.
    public static func readOrCreate(_ path: String, _ create: () -> String) throws(NotWritten) -> String {
        if let data = FileManager.default.contents(atPath: path), !data.isEmpty {
            return String(decoding: data, as: UTF8.self)
        }
        let text = create()
        try write(Array(text.utf8), to: path)
        return text
    }
}
