// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import BackupContainers
import CommitReveal
import Dispatch
import Foundation
import IdentityProviders
import KeyShareProtocol
import KeyShares
import ShareEnvelopes
import Synchronization

extension FuzzTarget {
    /// The body of a route of the key share node; the first byte tells which.
    static let keyShareRequest = FuzzTarget(name: "KeyShareRequest") { input in
        let body = Array(input.dropFirst())
        func read<Body: Decodable>(_ type: Body.Type) throws -> Body { try RequestBody.decode(type, body) }
        do {
            switch (input.first ?? 0) % 21 {
            case 0, 3: checkShares([try read(KeyShareV1.Share.self).checked()])
            case 1: checkKeys([try read(KeyShareV1.Get.self).checked()])
            case 2: checkKeys([try read(KeyShareV1.Check.self).wallet.checked()])
            case 4: checkKeys(try read(KeyShareV2.Get.self).checked())
            case 5: checkKeys(try read(KeyShareV2.Check.self).request.checked())
            case 6:
                let shares = try read(KeyShareV2.Shares.self).checkedBoth()
                require(shares.count == ShareCurve.allCases.count, "both curves are there")
                checkShares(shares)
            case 7: checkShares(try read(KeyShareV2.Shares.self).checked())
            case 8: checkShares([try read(KeyShareV2.RegisterEd25519.self).checked()])
            case 9: checkCommitment(try read(KeyShareV2.Commit.self), .v2)
            case 10: checkCommitment(try read(KeyShareV2.Commit.self), .v3)
            case 11: checkKeys(try read(KeyShareV3.Get.self).checked())
            case 12:
                let fixture = KeyShareFixture.shared
                let body = try read(KeyShareV3.Register.self)
                let shares = try body.checked(session: fixture.session, api: .register, key: fixture.key)
                checkShares(shares.map(\.share))
            case 13: _ = try read(KeyShareV3.List.self)
            case 14:
                let fixture = KeyShareFixture.shared
                _ = try read(KeyShareV3.RefreshPrepare.self).checked(session: fixture.session, key: fixture.key)
            case 15: _ = try read(KeyShareV3.RefreshDecision.self)
            case 16: _ = try read(AdministratorBody.Password.self)
            case 17:
                let name = try read(AdministratorBody.Restore.self).checked().name
                require(!name.contains("/") && !name.hasPrefix(".") && !name.utf8.contains(0), "a name is a name")
            case 18: _ = try read(AdministratorBody.Unseal.self).checked()
            case 19: _ = try read(AdministratorBody.Audit.self).checked()
            default:
                let days = try read(AdministratorBody.History.self).checked()
                require(days.map { (1...1000).contains($0) } ?? true, "days are in range")
            }
        } catch {
            require(error is KeyShareFailure, "a refusal has a code of the protocol")
        }
    }

    private static func checkKeys(_ keys: [WalletPublicKey]) {
        require((1...ShareCurve.allCases.count).contains(keys.count), "there is a wallet, and one of a curve")
        require(keys.allSatisfy { $0.bytes.count == $0.curve.publicKeyCount }, "keys are as long as their curve's")
    }

    private static func checkShares(_ shares: [WalletShare]) {
        checkKeys(shares.map(\.publicKey))
        for share in shares {
            let again = require("a share reads", { try ShamirShare(share.publicKey.curve, share.share.bytes) })
            require(again == share.share, "a share reads as the same")
        }
    }

    private static func checkCommitment(_ body: KeyShareV2.Commit, _ version: ProtocolVersion) {
        guard let commitment = try? body.checked(version) else { return }
        require(
            commitment.clientKey.count == 32 && commitment.tokenHash.count == 32,
            "a commitment is of 32 bytes each"
        )
    }

    /// A stored share, in either format.
    static let shareEnvelope = FuzzTarget(name: "ShareEnvelope") { input in
        let fixture = KeyShareFixture.shared
        if let envelope = try? ShareEnvelope(input) {
            require(envelope.bytes == input, "an envelope stays as it is")
            require(
                (try? envelope.withOpened(for: fixture.row, with: fixture.ring) { _ in }) == nil,
                "nobody without the root makes an envelope"
            )
        }
        // Opening one takes PBKDF2, and is left to the tests.
        let text = String(decoding: input, as: UTF8.self)
        if let envelope = try? OkoEnvelope(text) { require(envelope.text == text, "a text stays as it is") }
    }

    /// A backup, from its first byte on.
    static let backupContainer = FuzzTarget(name: "BackupContainer") { input in
        guard let header = try? BackupHeader.parse(input) else { return }
        require(header.bytes == Array(input.prefix(header.bytes.count)), "a header stays as it is")
        for split in [1, 100, input.count] {
            var reader = BackupReader(header, key: KeyShareFixture.shared.backupKey)
            var rest = input.dropFirst(header.bytes.count)
            var isRefused = false
            while !rest.isEmpty, !isRefused {
                if let plain = try? reader.append(rest.prefix(split)) {
                    require(plain.isEmpty, "nobody without the key makes a chunk")
                } else {
                    isRefused = true
                }
                rest = rest.dropFirst(split)
            }
            if !isRefused { require((try? reader.finish()) == nil, "nobody without the key makes an end") }
        }
    }

    /// A token, and on the next line the provider's keys.
    static let identityToken = FuzzTarget(name: "IdentityToken") { input in
        let parts = input.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        let token = String(decoding: parts.first ?? [], as: UTF8.self)
        var rules = OpenIDProvider.Rules(issuers: ["i"], keysURL: "keys", audiences: ["a"], prefix: "p_")
        rules.algorithms = Set(TokenAlgorithm.allCases)
        let keys = GivenKeys(body: parts.count > 1 ? Array(parts[1]) : [])
        let identity = outcome(OpenIDProvider(rules, connection: keys), token, now: 1_800_000_000)
        require(identity.map { isName($0.userAuthID, "p_") } ?? true, "a name can be stored")
    }

    /// A login of the widget, or the launch data of a Mini App.
    static let telegramLogin = FuzzTarget(name: "TelegramLogin") { input in
        let token = String(decoding: input, as: UTF8.self)
        let widget = TelegramWidgetProvider(botToken: KeyShareFixture.bot, maximumAge: 86_400)
        let identity = outcome(widget, token, now: 1_700_000_060)
        require(identity.map { $0.userAuthID == "telegram_424242" } ?? true, "only what the bot signed is believed")
        guard let app = TelegramMiniAppProvider(botID: "123456789", key: KeyShareFixture.botKey) else {
            return require(false, "the key is a key")
        }
        require(outcome(app, token, now: 1_700_000_060) == nil, "nobody but Telegram makes launch data")
    }

    private static func isName(_ name: String, _ prefix: String) -> Bool {
        name.hasPrefix(prefix) && name.utf8.count <= 255 && !name.utf8.contains(0)
    }

    /// Waits for a provider, which asks nobody here.
    private static func outcome(_ provider: some IdentityProvider, _ token: String, now: Int64) -> VerifiedIdentity? {
        let (done, found) = (DispatchSemaphore(value: 0), FoundIdentity())
        Task {
            let login = LoginAttempt(token: token, sessionID: nil, now: now)
            let identity = try? await provider.identity(of: login)
            found.identity.withLock { $0 = identity }
            done.signal()
        }
        done.wait()
        return found.identity.withLock { $0 }
    }

    /// Pieces of a root secret, one a line.
    static let rootPiece = FuzzTarget(name: "RootPiece") { input in
        let pieces = lines(input).prefix(16).compactMap { try? RootPiece(line: $0) }
        for piece in pieces {
            let again = require("a piece reads", { try RootPiece(line: piece.line) })
            require(again == piece, "a piece reads as the same")
        }
        if (try? RootSecret(pieces: Array(pieces))) != nil {
            require(pieces.count >= (pieces.first?.threshold ?? .max), "fewer pieces make no secret")
        }
        _ = try? RootSecret(file: input)
    }
}

private final class FoundIdentity: Sendable {
    let identity = Mutex<VerifiedIdentity?>(nil)
}

/// A provider that has what it is given.
private struct GivenKeys: ProviderConnection {
    let body: [UInt8]

    func get(_ url: String, bearer: String?) async throws(IdentityFailure) -> ProviderAnswer {
        ProviderAnswer(status: 200, body: body)
    }

    func post(
        _ url: String,
        form: [(name: String, value: String)],
        user: String,
        password: String
    ) async throws(IdentityFailure) -> ProviderAnswer { throw .unavailable("only keys") }
}

/// Secrets of a node, new with every run, so that no input can know them.
private struct KeyShareFixture: Sendable {
    static let shared = require("the fixture is made", { try KeyShareFixture() })
    static let bot = "123456789:AAF-test_token_for_vectors_only_xxxxxxx"
    static let botKey = NodeKey().publicKey

    let session = UUID().uuidString.lowercased()
    let key: SessionKey
    let ring: EnvelopeKeyRing
    let backupKey: BackupKey
    let row = EnvelopeRow(
        shareID: UUID(),
        walletID: UUID(),
        curve: .secp256k1,
        publicKey: [UInt8](repeating: 2, count: 33)
    )

    init() throws {
        let root = RootSecret.random()
        ring = try EnvelopeKeyRing(root: root, current: 1)
        backupKey = BackupKey(root: root)
        guard let key = SessionKey(node: NodeKey(), client: NodeKey().publicKey) else { throw EnvelopeError.badPiece }
        self.key = key
    }
}
