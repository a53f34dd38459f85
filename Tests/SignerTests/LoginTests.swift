// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Pomade
import Postgres
import Testing

@testable import Signer

@Suite("Logging in and recovering")
struct LoginTests {
    /// The token of a mailed link.
    private func token(_ link: String?) throws -> Hex32 {
        let text = try #require(link?.split(separator: "=").last)
        return try #require(Hex32(hex: text))
    }

    @Test("a login by password makes a session that signs; the old password keeps its own session")
    func login() async throws {
        try await Stage.with { first in
            try await Stage.with { second in
                let user = try User()
                try await user.register(first, 0)
                try await user.register(second, 1)
                let new = Hex32.random()
                for (stage, old) in [(first, user.clients[0]), (second, user.clients[1])] {
                    let items = try await stage.service.startLogin(user.password(), caller: caller(new)).items
                    #expect(items.map(\.client) == [old] && items[0].pubkey == user.key)
                    let group = try await stage.service.selectLogin(.init(client: old), caller: caller(new)).group
                    #expect(group == user.group.wire)
                    // Not confirmed yet: nobody is written to but at the setting up.
                    #expect(stage.mail.all.map(\.address) == [user.email])
                }
                try await user.sign(first.service, second.service, clients: [new, new])
            }
        }
    }

    @Test("a login's session may replace the address once within 15 minutes, others may not")
    func replacing() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let setup = PomadeBody.RecoverySetup(email: user.email, passwordHash: "\(Hex32.random())")
            func code(_ key: Hex32) async throws -> FailureCode? {
                try await refusal { try await stage.service.setUpRecovery(setup, caller: caller(key)) }
            }
            #expect(try await code(user.clients[0]) == .recoveryAlreadySet)
            let new = Hex32.random()
            _ = try await stage.service.startLogin(user.password(), caller: caller(new))
            _ = try await stage.service.selectLogin(.init(client: user.clients[0]), caller: caller(new))
            #expect(try await code(new) == nil)
            #expect(try await code(new) == .recoveryAlreadySet)
            let late = Hex32.random()
            _ = try await stage.service.startLogin(user.password(), caller: caller(late))
            _ = try await stage.service.selectLogin(.init(client: user.clients[0]), caller: caller(late))
            stage.clock.advance(901)
            #expect(try await code(late) == .tooLate)
            #expect(try await code(.random()) == .noSession)
        }
    }

    @Test("recovery is set up only for sessions that want it, with a hash of lower case and an address")
    func setup() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage, recovery: false)
            let good = PomadeBody.RecoverySetup(email: user.email, passwordHash: "\(user.passwordHash)")
            #expect(
                try await refusal { try await stage.service.setUpRecovery(good, caller: caller(user.clients[0])) }
                    == .recoveryDisabled
            )
            let other = try User()
            try await other.register(stage, email: false)
            let hash = "\(other.passwordHash)"
            let wrong = [
                (other.email, hash.uppercased() + ""), (other.email, String(hash.dropLast())), ("", hash),
                ("a@b@c", hash),
                ("no at", hash), ("a@b\nBcc: c@d", hash), ("<a@b>", hash),
                (String(repeating: "a", count: 250) + "@b.co", hash),
            ]
            for (email, hash) in wrong where hash != "\(other.passwordHash)" || email != other.email {
                let body = PomadeBody.RecoverySetup(email: email, passwordHash: hash)
                let code = try await refusal {
                    try await stage.service.setUpRecovery(body, caller: caller(other.clients[0]))
                }
                #expect(code == .badRequest, "\(email)")
            }
        }
    }

    @Test("a code is good once, for 15 minutes, and only the newest is")
    func codes() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            func start(_ code: String) async throws -> FailureCode? {
                try await refusal { try await stage.service.startLogin(user.code(code), caller: caller(.random())) }
            }
            let first = try await user.newCode(stage)
            #expect(first.hasPrefix("42") && first.count == 12 && first.allSatisfy(\.isNumber))
            let second = try await user.newCode(stage)
            #expect(try await start(first) == .noSessions)
            #expect(try await start(second) == nil)
            #expect(try await start(second) == .noSessions)
            stage.clock.advance(86_400)
            let third = try await user.newCode(stage)
            stage.clock.advance(901)
            // The sweep has not run: age is looked at when a code is used.
            #expect(try await start(third) == .noSessions)
        }
    }

    @Test("two wrong codes burn nothing, the third does")
    func wrongCodes() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let wrong = String(repeating: "0", count: 12)
            func start(_ code: String, _ network: String) async throws -> FailureCode? {
                try await refusal {
                    try await stage.service.startLogin(user.code(code), caller: caller(.random(), from: network))
                }
            }
            var code = try await user.newCode(stage)
            for _ in 0..<2 { #expect(try await start(wrong, "198.51.100.0/24") == .noSessions) }
            #expect(try await start(code, "192.0.2.0/24") == nil)
            code = try await user.newCode(stage)
            for _ in 0..<3 { #expect(try await start(wrong, "203.0.113.0/24") == .noSessions) }
            #expect(try await start(code, "192.0.2.0/24") == .noSessions)
        }
    }

    @Test("a thousand wrong codes from many networks lock nobody out and find nothing")
    func flood() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            _ = try await user.newCode(stage)
            for number in 0..<1000 {
                let guess = user.code("42" + String(1_000_000_000 + number))
                let stranger = caller(.random(), from: "10.\(number / 250).\(number % 250).0/24")
                let code = try await refusal { try await stage.service.startLogin(guess, caller: stranger) }
                #expect(code == .noSessions)
            }
            // The owner: by password at once, and by a new code.
            _ = try await stage.service.startLogin(user.password(), caller: caller(.random()))
            let code = try await user.newCode(stage)
            _ = try await stage.service.startLogin(user.code(code), caller: caller(.random()))
        }
    }

    @Test("a known address with a wrong password, an unknown one and a limited caller hear the same")
    func oneText() async throws {
        try await Stage.with { stage in
            let (user, stranger) = (try User(), try User())
            try await user.register(stage)
            var messages: Set<SignerFailure> = []
            for body in [user.password(.random()), stranger.password(), user.code("000000000000"), stranger.code("1")] {
                for _ in 0..<7 {
                    do throws(SignerFailure) {
                        _ = try await stage.service.startLogin(body, caller: caller(.random()))
                    } catch {
                        messages.insert(error)
                    }
                }
            }
            #expect(messages == [SignerService.noSessions])
        }
    }

    @Test("a split of address and password that joins to the same text is another password")
    func bound() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            // The same password hash under another address's hash.
            let other = try User()
            try await other.register(stage)
            let crossed = PomadeBody.Start(
                auth: .init(emailHash: other.emailHash, secret: .passwordHash(user.passwordHash))
            )
            #expect(
                try await refusal { try await stage.service.startLogin(crossed, caller: caller(.random())) }
                    == .noSessions
            )
            let rows = try await stage.client.query(.init("t", "SELECT sealed FROM signer.sessions"))
            for row in rows {
                let sealed = "\(Hex33([2] + Array(try row.bytea(0).prefix(32)))?.description ?? "")"
                #expect(!sealed.contains("\(user.passwordHash)"))
            }
        }
    }

    @Test("a selection ends what was begun: another try needs another start")
    func selection() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let key = Hex32.random()
            let body = PomadeBody.Selection(client: user.clients[0])
            func select(_ body: PomadeBody.Selection) async throws -> FailureCode? {
                try await refusal { try await stage.service.selectLogin(body, caller: caller(key)) }
            }
            #expect(try await select(body) == .noLogin)
            _ = try await stage.service.startLogin(user.password(), caller: caller(key))
            // A recovery cannot be made of a login.
            #expect(
                try await refusal { try await stage.service.selectRecovery(body, caller: caller(key)) } == .noRecovery
            )
            #expect(try await select(.init(client: .random())) == .badSelection)
            #expect(try await select(body) == .noLogin)
            #expect(
                try await refusal {
                    try await stage.service.startLogin(user.password(), caller: caller(user.clients[0]))
                }
                    == .keyReused
            )
            _ = try await stage.service.startLogin(user.password(), caller: caller(key))
            #expect(
                try await refusal { try await stage.service.startRecovery(user.password(), caller: caller(key)) }
                    == .keyReused
            )
            try await stage.service.delete(body, caller: caller(user.key))
            #expect(try await select(body) == .sessionGone)
        }
    }

    @Test("a pending login is over after 15 minutes")
    func tooOld() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let key = Hex32.random()
            _ = try await stage.service.startLogin(user.password(), caller: caller(key))
            stage.clock.advance(901)
            let body = PomadeBody.Selection(client: user.clients[0])
            #expect(try await refusal { try await stage.service.selectLogin(body, caller: caller(key)) } == .noLogin)
        }
    }

    @Test("a recovery hands out exactly the registered share, once, and tells the owner")
    func recovery() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let key = Hex32.random()
            _ = try await stage.service.startRecovery(user.password(), caller: caller(key))
            let body = PomadeBody.Selection(client: user.clients[0])
            let content = try await stage.service.selectRecovery(body, caller: caller(key))
            #expect(content.share == WireShare(user.dealing.shares[0]) && content.group == user.group.wire)
            #expect(
                try await refusal { try await stage.service.selectRecovery(body, caller: caller(key)) } == .noRecovery
            )
            #expect(stage.mail.all.last == .init(notice: .recovered, address: user.email))
        }
    }

    @Test("a recovery by code waits as long as the operator says, and the owner can stop it", arguments: [0, 1, 2])
    func veto(way: Int) async throws {
        try await Stage.with({ $0.recoveryDelay = 86_400 }) { stage in
            let user = try User()
            try await user.register(stage)
            func start() async throws -> SignerFailure? {
                let code = try await user.newCode(stage)
                do throws(SignerFailure) {
                    _ = try await stage.service.startRecovery(user.code(code), caller: caller(.random()))
                    return nil
                } catch { return error }
            }
            let first = try #require(try await start())
            #expect(first.code == .recoveryPending && first.availableAt == stage.clock.now + 86_400)
            // By password nobody waits.
            _ = try await stage.service.startRecovery(user.password(), caller: caller(.random()))
            stage.clock.advance(3600)
            // Asking again neither shortens nor lengthens it.
            #expect(try await start()?.availableAt == first.availableAt)
            switch way {
            case 0: #expect(try await stage.service.cancelRecovery(caller: caller(user.key)).cancelled == 1)
            case 1: #expect(try await stage.service.cancelRecovery(caller: caller(user.clients[0])).cancelled == 1)
            default:
                let link = stage.mail.all.compactMap { letter -> String? in
                    if case .recoveryRequested(_, let link) = letter.notice { link } else { nil }
                }
                #expect(link.count == 1)
                let token = try self.token(link.first)
                #expect(try await stage.service.cancelRecovery(token: token).cancelled == 1)
                #expect(try await refusal { try await stage.service.cancelRecovery(token: token) } == .notFound)
            }
            stage.clock.advance(86_400)
            #expect(try await start()?.code == .recoveryPending)
            stage.clock.advance(86_400)
            #expect(try await start() == nil)
        }
    }

    @Test("a policy without codes leaves the password alone to log in and recover")
    func withoutCodes() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            try await stage.service.setPolicy(
                .init(client: user.clients[0], policy: SessionPolicy(allowsCodes: false)),
                caller: caller(user.key)
            )
            await stage.service.challenge(.init(prefix: "42", emailHash: user.emailHash))
            #expect(stage.mail.code == nil)
            _ = try await stage.service.startLogin(user.password(), caller: caller(.random()))
        }
    }

    @Test("a login's session keeps what the owner decided about the address")
    func inheritedPolicy() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            func login() async throws -> Hex32 {
                let key = Hex32.random()
                _ = try await stage.service.startLogin(user.password(), caller: caller(key))
                _ = try await stage.service.selectLogin(.init(client: user.clients[0]), caller: caller(key))
                return key
            }
            let before = try await login()
            func set(_ client: Hex32, _ policy: SessionPolicy) async throws {
                try await stage.service.setPolicy(.init(client: client, policy: policy), caller: caller(user.key))
            }
            // One session's delay holds for the share, whichever session is chosen.
            try await set(user.clients[0], SessionPolicy(recoveryDelay: 60))
            let code = try await user.newCode(stage)
            #expect(
                try await refusal { try await stage.service.startRecovery(user.code(code), caller: caller(.random())) }
                    == .recoveryPending
            )
            for client in [user.clients[0], before] { try await set(client, SessionPolicy(allowsCodes: false)) }
            _ = try await login()
            let letters = stage.mail.all.count
            await stage.service.challenge(.init(prefix: "42", emailHash: user.emailHash))
            #expect(stage.mail.all.count == letters)
        }
    }

    @Test("an address is confirmed by a code's use or by its link, and hears of logins from then on")
    func confirmation() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let link = try #require(
                stage.mail.all.lazy.compactMap { letter -> String? in
                    if case .recoverySet(let link) = letter.notice { link } else { nil }
                }.first
            )
            #expect(link.hasPrefix(Stage.url + "/x/email/confirm?token="))
            let token = try self.token(link)
            try await stage.service.confirmEmail(token: token)
            #expect(try await refusal { try await stage.service.confirmEmail(token: token) } == .notFound)
            let key = Hex32.random()
            _ = try await stage.service.startLogin(user.password(), caller: caller(key))
            _ = try await stage.service.selectLogin(.init(client: user.clients[0]), caller: caller(key))
            #expect(stage.mail.all.last == .init(notice: .signedIn, address: user.email))
        }
    }

    @Test("a password is changed for all sessions that it opens, and only with it or a code")
    func rotation() async throws {
        try await Stage.with { stage in
            let user = try User()
            try await user.register(stage)
            let new = Hex32.random()
            func rotate(_ old: Hex32) async throws -> FailureCode? {
                let body = PomadeBody.PasswordRotation(
                    auth: .init(emailHash: user.emailHash, secret: .passwordHash(old)),
                    passwordHash: new
                )
                return try await refusal {
                    try await stage.service.rotatePassword(body, caller: caller(user.clients[0]))
                }
            }
            #expect(try await rotate(.random()) == .noSessions)
            #expect(try await rotate(user.passwordHash) == nil)
            #expect(
                try await refusal { try await stage.service.startLogin(user.password(), caller: caller(.random())) }
                    == .noSessions
            )
            _ = try await stage.service.startLogin(user.password(new), caller: caller(.random()))
        }
    }

    @Test("a former URL of the signer still logs in: its hash of the address is known too")
    func aliases() async throws {
        let old = "https://old.example"
        try await Stage.with({ $0.aliases = [old] }) { stage in
            let user = try User()
            try await stage.service.register(user.body(), caller: caller(user.clients[0]))
            // The client still knows the signer by its former name.
            try await stage.service.setUpRecovery(
                .init(email: user.email, passwordHash: "\(user.passwordHash)"),
                caller: caller(user.clients[0], url: old)
            )
            let oldHash = QuickHashing.hash(Array(user.email.utf8), old)
            let body = PomadeBody.Start(auth: .init(emailHash: oldHash, secret: .passwordHash(user.passwordHash)))
            _ = try await stage.service.startLogin(body, caller: caller(.random(), url: old))
            let code = try await user.newCode(stage)
            _ = try await stage.service.startLogin(user.code(code), caller: caller(.random()))
        }
    }
}
