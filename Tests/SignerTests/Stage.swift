// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import FROST
import IPAddresses
import Logging
import Pomade
import Postgres
import PostgresTestSupport
import SealedRecords
import Secp256k1
import SigningRounds
import Synchronization
import Testing

@testable import Signer

/// A clock that tests move.
final class TestClock: Sendable {
    private let seconds = Mutex<Int64>(1_800_000_000)

    var now: Int64 { seconds.withLock { $0 } }

    func advance(_ time: Int64) { seconds.withLock { $0 += time } }
}

/// Keeps what would have been mailed.
final class Mailbox: SignerPost {
    struct Letter: Sendable, Hashable {
        let notice: SignerNotice
        let address: String
    }

    private let letters = Mutex<[Letter]>([])

    func send(_ notice: SignerNotice, to address: String) {
        letters.withLock { $0.append(Letter(notice: notice, address: address)) }
    }

    var all: [Letter] { letters.withLock { $0 } }

    /// The newest code.
    var code: String? {
        all.reversed().lazy.compactMap { if case .code(let code) = $0.notice { code } else { nil } }.first
    }
}

/// Stands in for Argon2, which takes a fifth of a second.
struct QuickHashing: EmailHashing {
    func hash(_ text: [UInt8], salt: String) async throws(SignerFailure) -> Hex32 { Self.hash(text, salt) }

    static func hash(_ text: [UInt8], _ salt: String) -> Hex32 {
        Hex32(certain: Array(SHA256.hash(data: text + Array(salt.utf8))))
    }
}

/// A signer over a database of its own.
struct Stage: Sendable {
    let service: SignerService
    let client: PostgresClient
    let clock: TestClock
    let mail: Mailbox
    let keys: SignerKeys

    static let url = "https://signer.example"
    static let secret = String(repeating: "5a", count: 32)

    static func with(
        _ change: @Sendable (inout SignerConfiguration) -> Void = { _ in },
        _ body: @Sendable (Stage) async throws -> Void
    ) async throws {
        try await TestDatabase.withClient(of: TestDatabase.signer()) { client in
            try await body(Stage(client, change))
        }
    }

    init(
        _ client: PostgresClient,
        clock: TestClock = TestClock(),
        mail: Mailbox = Mailbox(),
        secret: String = Self.secret,
        previous: String? = nil,
        _ change: @Sendable (inout SignerConfiguration) -> Void = { _ in }
    ) async throws {
        var configuration = SignerConfiguration(url: Self.url)
        configuration.failureFloor = .zero
        configuration.registrationWork = 0
        change(&configuration)
        keys = try await SignerKeys.open(
            client,
            secret: RecordKeys(secret: secret),
            previous: previous.map { try RecordKeys(secret: $0) }
        )
        service = SignerService(
            configuration: configuration,
            keys: keys,
            client: client,
            hashing: QuickHashing(),
            post: mail,
            clock: { clock.now },
            monotonic: { Double(clock.now) },
            logger: TestDatabase.silentLogger
        )
        self.client = client
        self.clock = clock
        self.mail = mail
    }

    /// Another process over the same database.
    func neighbour() async throws -> Stage { try await Stage(client, clock: clock, mail: mail) }
}

/// Makes a caller.
func caller(
    _ key: Hex32,
    hasWork: Bool = true,
    from network: String = "192.0.2.0/24",
    url: String = Stage.url
) -> SignerCaller {
    SignerCaller(
        key: key,
        hasWork: hasWork,
        source: IPNetwork(network),
        bodyDigest: Hex32.random().bytes,
        url: url
    )
}

/// A user whose key is dealt, with a client's key for each signer.
struct User {
    let dealing: Dealing
    let group: RegisteredGroup
    let clients: [Hex32]
    let email = "person-\(Hex32.random())@example.org"
    let passwordHash = Hex32.random()

    init(_ threshold: Int = 2, of count: Int = 3) throws {
        dealing = try Dealing(splitting: .random(), threshold: threshold, among: Identifier.first(count))
        let commits = try dealing.shares.map { share in
            let point = try #require(Hex33(share.publicShare.compressed))
            return WireCommit(
                idx: Int(share.identifier.number),
                pubkey: point,
                hiddenNonce: point,
                binderNonce: point
            )
        }
        let key = try #require(Hex33(dealing.group.key.compressed))
        group = try RegisteredGroup(WireGroup(commits: commits, key: key, threshold: threshold))
        clients = dealing.shares.map { _ in .random() }
    }

    var key: Hex32 { group.userKey }

    var emailHash: Hex32 { QuickHashing.hash(Array(email.utf8), Stage.url) }

    func body(_ place: Int = 0, recovery: Bool = true) -> PomadeBody.Register {
        PomadeBody.Register(share: WireShare(dealing.shares[place]), group: group.wire, recovery: recovery)
    }

    func password(_ hash: Hex32? = nil) -> PomadeBody.Start {
        PomadeBody.Start(auth: .init(emailHash: emailHash, secret: .passwordHash(hash ?? passwordHash)))
    }

    func code(_ code: String) -> PomadeBody.Start {
        PomadeBody.Start(auth: .init(emailHash: emailHash, secret: .code(code)))
    }

    /// Registers one share; with an address when asked.
    func register(_ stage: Stage, _ place: Int = 0, recovery: Bool = true, email hasEmail: Bool = true) async throws {
        try await stage.service.register(body(place, recovery: recovery), caller: caller(clients[place]))
        guard recovery, hasEmail else { return }
        try await stage.service.setUpRecovery(
            PomadeBody.RecoverySetup(email: email, passwordHash: "\(passwordHash)"),
            caller: caller(clients[place])
        )
    }

    /// Has a code mailed.
    func newCode(_ stage: Stage) async throws -> String {
        await stage.service.challenge(PomadeBody.Challenge(prefix: "42", emailHash: emailHash))
        return try #require(stage.mail.code)
    }

    /// A request of members for one hash.
    func request(_ members: [Int], hash: Hex32 = .random(), content: String? = nil) throws
        -> PomadeBody.SignatureRequest
    {
        let sid = PomadeRequest.sessionID(
            groupID: group.id,
            members: members.compactMap { Identifier($0) },
            hashes: hash.bytes,
            content: content.flatMap { Hex.decode($0) },
            kind: "message",
            stamp: 1_800_000_000
        )
        return PomadeBody.SignatureRequest(
            content: content,
            hash: [hash],
            members: members,
            stamp: 1_800_000_000,
            type: "message",
            gid: try #require(Hex32(group.id)),
            sid: try #require(Hex32(sid))
        )
    }

    /// Signs with two sessions, each at its own signer, and checks the signature.
    func sign(_ first: SignerService, _ second: SignerService, clients: [Hex32]? = nil) async throws {
        let clients = clients ?? self.clients
        let members = [1, 2]
        let one = try await first.commit(.init(members: members), caller: caller(clients[0]))
        let two = try await second.commit(.init(members: members), caller: caller(clients[1]))
        let request = try request(members)
        let nonces = [one, two].map { PomadeBody.Nonces(idx: $0.idx, hidden: $0.hidden, binder: $0.binder) }
        let answers = [
            try await first.complete(
                .init(commitID: one.commitID, request: request, nonces: nonces),
                caller: caller(clients[0])
            ),
            try await second.complete(
                .init(commitID: two.commitID, request: request, nonces: nonces),
                caller: caller(clients[1])
            ),
        ]
        let session = try PomadeRequest(
            groupID: group.id,
            members: members.compactMap { Identifier($0) },
            message: request.hash[0].bytes,
            tweaks: [],
            content: nil,
            kind: "message",
            stamp: 1_800_000_000
        ).session(
            group: group.group,
            commitments: try nonces.map {
                SigningCommitment(
                    identifier: try #require(Identifier($0.idx)),
                    hiding: try #require(Point($0.hidden.bytes)),
                    binding: try #require(Point($0.binder.bytes))
                )
            }
        )
        let signature = try session.aggregate(
            try answers.map { answer in
                PartialSignature(
                    identifier: try #require(Identifier(answer.idx)),
                    value: try #require(Scalar(answer.psig[1].bytes))
                )
            }
        )
        let key = try #require(XOnlyPublicKey(key.bytes))
        #expect(key.verifies(signature.bytes, over: request.hash[0].bytes))
    }
}

/// The code of the refusal that a call ends in, or `nil` when it succeeds.
func refusal<Value>(_ call: () async throws -> Value) async throws -> FailureCode? {
    do {
        _ = try await call()
        return nil
    } catch let failure as SignerFailure {
        return failure.code
    }
}
