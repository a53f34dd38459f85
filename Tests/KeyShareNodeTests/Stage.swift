// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AuditChains
import ByteCoding
import CommitReveal
import Crypto
import Foundation
import IdentityProviders
import KeyShareProtocol
import KeyShares
import Logging
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Synchronization
import Testing

@testable import KeyShareNode

/// A clock that tests move; milliseconds.
final class TestClock: Sendable {
    private let milliseconds = Mutex<Int64>(UnixClock.milliseconds())

    var now: Int64 { milliseconds.withLock { $0 } }

    func advance(seconds: Int64) { milliseconds.withLock { $0 += seconds * 1000 } }
}

/// Believes tokens: `NAME`, `NAME/FORMER`, `NAME#PASSKEY` in hexadecimal; `bad` and `down` are refused.
struct TestProvider: IdentityProvider {
    func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        // What follows a colon makes tokens differ.
        let token = login.token.split(separator: ":").first.map(String.init) ?? ""
        if token == "bad" { throw .unauthorized("the token's signature is wrong") }
        if token == "down" { throw .unavailable("the provider does not answer") }
        let former = token.split(separator: "/").map(String.init)
        let passkey = token.split(separator: "#").map(String.init)
        return VerifiedIdentity(
            userAuthID: "test_" + (former.first ?? "").split(separator: "#")[0],
            formerUserAuthID: former.count == 2 ? former[1] : nil,
            passkeyKey: passkey.count == 2 ? Hex.decode(passkey[1]) : nil
        )
    }
}

/// Keeps what is logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    struct Handler: LogHandler {
        let target: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            target.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }

    var logger: Logger { Logger(label: "test") { _ in Handler(target: self) } }
}

/// A wallet with shares for three nodes, of which this one is the first.
struct TestWallet: Sendable {
    static let nodes = ["one", "two", "three"]

    let curve: ShareCurve
    let dealing: ShareDealing
    let publicKey: String

    init(_ curve: ShareCurve) throws {
        self.curve = curve
        var secret = (0..<32).map { _ in UInt8.random(in: 1...255) }
        // Below both orders in either order of bytes.
        secret[0] = 1
        secret[31] = 1
        dealing = try ShareDealing(
            splitting: secret,
            threshold: 2,
            among: Self.nodes.map { NodeIdentifier(nodeName: $0, curve: curve) }
        )
        publicKey = Hex.encode(dealing.commitments.points[0])
    }

    /// Somebody else's public key with a share that has nothing to do with it.
    init(publicKey: String, shareOf other: TestWallet) {
        curve = other.curve
        dealing = other.dealing
        self.publicKey = publicKey
    }

    var share: ShamirShare { dealing.shares[0] }
    var shareHex: String { Hex.encode(share.bytes) }
    /// `"public_key":...,"share":...`.
    var members: String { #""public_key":"\#(publicKey)","share":"\#(shareHex)""# }
}

/// A key share node over a database of its own.
struct Stage: Sendable {
    let service: KeyShareService
    let client: PostgresClient
    let clock: TestClock
    let logs: LogLines

    static let rootSecret = [UInt8](repeating: 0x5A, count: 32)

    static var root: RootSecret {
        get throws { try RootSecret(file: rootSecret) }
    }

    static func secrets(former: String? = nil) throws -> ShareSecrets {
        try ShareSecrets(root: root, encryptionSecret: former.map { Array($0.utf8) })
    }

    static func with(
        secrets: ShareSecrets? = nil,
        fill: @Sendable (PostgresClient) async throws -> Void = { _ in },
        change: @Sendable (inout KeyShareConfiguration) -> Void = { _ in },
        _ body: @Sendable (Stage) async throws -> Void
    ) async throws {
        try await TestDatabase.withClient(of: TestDatabase.keyshare(), connections: 8) { client in
            try await fill(client)
            let stage = try Stage(client, secrets: secrets ?? Self.secrets(), change)
            try await stage.service.prepare()
            try await body(stage)
        }
    }

    init(
        _ client: PostgresClient,
        secrets: ShareSecrets,
        clock: TestClock = TestClock(),
        _ change: (inout KeyShareConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = KeyShareConfiguration()
        configuration.readsPerHour = 1_000_000
        configuration.writesPerHour = 1_000_000
        change(&configuration)
        let logs = LogLines()
        self.client = client
        self.clock = clock
        self.logs = logs
        service = KeyShareService(
            configuration: configuration,
            client: client,
            identities: IdentityDirectory([
                "google": TestProvider(), "auth0": TestProvider(), "webauthn": TestProvider(),
            ]),
            secrets: secrets,
            clock: { clock.now },
            logger: logs.logger
        )
    }

    /// Another process on the same database.
    func other(_ change: (inout KeyShareConfiguration) -> Void = { _ in }) async throws -> Stage {
        let stage = try Stage(client, secrets: service.secrets, clock: clock, change)
        try await stage.service.prepare()
        return stage
    }

    // MARK: Calls

    @discardableResult
    func call(_ route: KeyShareRoute, as token: String? = "alice", _ body: String) async throws -> Answer {
        let call = KeyShareCall(bearer: token, body: Array(body.utf8), peer: "192.0.2.7")
        return try Answer(try await service.answer(route, call))
    }

    /// The code of a refusal; `nil` when the call succeeds.
    func code(_ route: KeyShareRoute, as token: String? = "alice", _ body: String) async throws -> KeyShareFailureCode?
    {
        do {
            try await call(route, as: token, body)
            return nil
        } catch let failure as KeyShareFailure { return failure.code }
    }

    /// Registers a wallet in version 1.
    func register(_ wallet: TestWallet, as token: String = "alice") async throws {
        try await call(.registerV1, as: token, #"{"curve_type":"\#(wallet.curve.rawValue)",\#(wallet.members)}"#)
    }

    /// A share in version 1.
    func get(_ wallet: TestWallet, as token: String = "alice") async throws -> String {
        let body = #"{"curve_type":"\#(wallet.curve.rawValue)","public_key":"\#(wallet.publicKey)"}"#
        let answer = try await call(.getV1, as: token, body)
        return try #require(answer.data["share"] as? String)
    }

    func number(_ sql: String) async throws -> Int64 {
        try await client.withConnection { session in
            try await session.query(Statement("t.number", "SELECT (\(sql))::bigint"))[0].int8(0)
        }
    }

    func run(_ sql: String) async throws { try await client.withConnection { try await $0.script(sql) } }

    /// The audit's lines of an action.
    func audit(_ action: AuditAction) async throws -> [AuditRecord] {
        // Waits for lines before it that nobody waited for.
        await service.audit(.adminAction, subject: nil, outcome: "flush")
        return try await service.auditEntries(after: 0, limit: 1000).filter { $0.entry.action == action.rawValue }
    }
}

/// A success envelope.
struct Answer {
    let object: [String: Any]

    init(_ bytes: [UInt8]) throws {
        object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(object["success"] as? Bool == true)
    }

    var data: [String: Any] { object["data"] as? [String: Any] ?? [:] }

    func wallet(_ curve: ShareCurve) -> [String: Any] { data[curve.rawValue] as? [String: Any] ?? [:] }
}
