// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Settings
import Synchronization
import Testing

@testable import Mail

@Suite("The mail queue")
struct MailQueueTests {
    /// Fails as often as it is told to, and remembers.
    private final class FakeMailer: Mailer {
        let attempts = Mutex<[String]>([])
        let failures: Mutex<Int>
        init(failures: Int = 0) { self.failures = Mutex(failures) }

        func send(_ message: MailMessage) async throws(MailFailure) {
            attempts.withLock { $0.append(message.subject) }
            let fails = failures.withLock { failures in
                failures -= 1
                return failures >= 0
            }
            if fails { throw .refused(status: 500) }
        }
        var count: Int { attempts.withLock { $0.count } }
    }

    private final class Sleeps: Sendable {
        let asked = Mutex<[Duration]>([])
    }

    private func queue(_ mailer: FakeMailer, capacity: Int = 10, keeper: LogKeeper, sleeps: Sleeps) -> MailQueue {
        MailQueue(
            mailer,
            capacity: capacity,
            retryDelays: [.seconds(2), .seconds(10), .seconds(30)],
            stopGrace: .seconds(1),
            logger: keeper.logger
        ) { duration in
            sleeps.asked.withLock { $0.append(duration) }
        }
    }

    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("a mail is tried again after 2, 10 and 30 seconds and then given up", .timeLimit(.minutes(1)))
    func retries() async throws {
        for (failures, attempts) in [(0, 1), (1, 2), (3, 4), (9, 4)] {
            let (mailer, keeper, sleeps) = (FakeMailer(failures: failures), LogKeeper(), Sleeps())
            let queue = queue(mailer, keeper: keeper, sleeps: sleeps)
            let service = Task { try await queue.run() }
            #expect(queue.enqueue(try Samples.message()))
            await until { queue.pendingCount == 0 }
            #expect(mailer.count == attempts)
            let expected: [Duration] = [.seconds(2), .seconds(10), .seconds(30)]
            #expect(sleeps.asked.withLock { $0 } == Array(expected.prefix(attempts - 1)))
            #expect(keeper.lines.contains { $0.contains("could not be delivered") } == (failures == 9))
            service.cancel()
            _ = try? await service.value
        }
    }

    @Test("neither addresses nor codes are logged", .timeLimit(.minutes(1)))
    func logs() async throws {
        let (mailer, keeper) = (FakeMailer(failures: 9), LogKeeper())
        let queue = queue(mailer, capacity: 1, keeper: keeper, sleeps: Sleeps())
        #expect(queue.enqueue(try Samples.message("4711474711")))
        #expect(!queue.enqueue(try Samples.message("4711474711")))
        let service = Task { try await queue.run() }
        await until { queue.pendingCount == 0 }
        service.cancel()
        _ = try? await service.value
        #expect(keeper.lines.count == 5)
        #expect(keeper.lines.allSatisfy { $0.contains("one_time_password") })
        #expect(!keeper.lines.contains { $0.contains("example.org") || $0.contains("4711") })
    }

    @Test("a full queue loses the new mail, without waiting", .timeLimit(.minutes(1)))
    func full() async throws {
        let (mailer, keeper) = (FakeMailer(), LogKeeper())
        let queue = queue(mailer, capacity: 3, keeper: keeper, sleeps: Sleeps())
        for number in 0..<5 { #expect(queue.enqueue(try Samples.message("\(number)")) == (number < 3)) }
        #expect(keeper.lines.count { $0.contains("a mail was dropped") && $0.contains("full") } == 2)
        let service = Task { try await queue.run() }
        await until { queue.pendingCount == 0 }
        #expect(mailer.count == 3)
        #expect(queue.enqueue(try Samples.message()))
        await until { queue.pendingCount == 0 }
        service.cancel()
        _ = try? await service.value
    }

    @Test(
        "a queue that stops delivers what it has, tries what waits once more, and takes nothing new",
        .timeLimit(.minutes(1))
    )
    func stopping() async throws {
        let (mailer, keeper) = (FakeMailer(failures: 2), LogKeeper())
        // Sleeps for ever unless it is cancelled.
        let queue = MailQueue(
            mailer,
            capacity: 10,
            retryDelays: [.seconds(2), .seconds(10)],
            stopGrace: .seconds(60),
            logger: keeper.logger
        ) { _ in
            try await Task.sleep(for: .seconds(3600))
        }
        let group = ServiceGroup(services: [queue], logger: keeper.logger)
        let running = Task { try await group.run() }
        #expect(queue.enqueue(try Samples.message("1")))
        #expect(queue.enqueue(try Samples.message("2")))
        await until { mailer.count == 2 }
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(mailer.count == 4)
        #expect(queue.pendingCount == 0)
        #expect(!queue.enqueue(try Samples.message("3")))
    }
}

@Suite("Mail messages and addresses")
struct MailMessageTests {
    @Test(
        "an address that could end a header, name two people or none is refused",
        arguments: [
            "", "a", "@b", "a@", "a@b@c", "a b@c.example", "a@b\r\nBcc: x@y.example", "a@b.example\n", "a\u{0}@b",
            "<a@b>",
            "a,c@b.example", "a@b..example", "a@.example", "a@-b.example", "a@b.example\u{2028}", "a\u{202e}@b.example",
            "\"a\"@b.example", "a@[127.0.0.1]", "a@b.example/x", "a@b?c",
            String(repeating: "a", count: 65) + "@b.example", "a@" + String(repeating: "b", count: 254),
        ]
    )
    func badAddresses(_ text: String) {
        #expect(throws: AddressError.malformedAddress) { try EmailAddress(text) }
    }

    @Test("ordinary and international addresses are taken as they are")
    func addresses() throws {
        for text in [
            "a@b", "User.Name+tag@sub.example.org", "\u{fc}n\u{ef}@example.org", "a_b-c@b\u{fc}cher.example",
            "!#$%&'*@1.example",
        ] {
            let address = try EmailAddress(text)
            #expect(address.text.utf8.elementsEqual(text.utf8))
            #expect(!"\(address)".contains("@"))
        }
    }

    @Test(
        "a sender's name that could end a header is refused",
        arguments: ["", "a\r\nBcc: x", "a\n", "a <b", "a\"", "a,b", "a\u{0}", "a\u{2029}b"]
    )
    func badNames(_ name: String) {
        #expect(throws: AddressError.malformedName) { try Samples.sender(name) }
    }

    @Test("the code is in the subject, the text and the HTML of its mail, with what to know about it")
    func oneTimePassword() throws {
        let message = try Samples.message("9876543210")
        for text in [message.subject, message.text, message.html] { #expect(text.contains("9876543210")) }
        for text in [message.text, message.html] {
            #expect(text.contains("15 minutes"))
            #expect(text.contains("ignore"))
            #expect(text.contains("https://signer.example"))
        }
    }

    @Test("the notices name the time and what to do")
    func notices() throws {
        let address = try EmailAddress("user@example.org")
        let signer = "https://signer.example"
        let pending = MailMessage.recoveryPending(
            availableAt: 1_770_000_000,
            cancelLink: "https://signer.example/cancel?a=1&b=\"<",
            signer: signer,
            to: address
        )
        #expect(pending.text.contains("2026-02-02 02:40 UTC"))
        #expect(pending.text.contains("https://signer.example/cancel?a=1&b=\"<"))
        #expect(pending.html.contains("href=\"https://signer.example/cancel?a=1&amp;b=&quot;&lt;\""))
        let link = "https://signer.example/confirm/x"
        #expect(MailMessage.confirmation(link: link, signer: signer, to: address).text.contains(link))
        let messages = [
            MailMessage.recoveryDone(at: 1_770_000_000, signer: signer, to: address),
            .recoveryCancelled(at: 1_770_000_000, signer: signer, to: address),
            .passwordChanged(at: 1_770_000_000, signer: signer, to: address),
            .signIn(at: 1_770_000_000, signer: signer, to: address),
            .shareExpiring(days: 30, at: 1_770_000_000, signer: signer, to: address),
        ]
        for message in messages {
            #expect(message.text.contains("2026-02-02 02:40 UTC"))
            #expect(message.html.contains(signer))
        }
        #expect(messages[4].subject.contains("30 days"))
    }

    @Test("a subject is one line, whatever it is made of")
    func subject() throws {
        let message = try Samples.message("1\r\nBcc: x@y.example")
        #expect(!message.subject.contains { $0.isNewline })
    }
}

@Suite("Mail settings")
struct MailConfigurationTests {
    private func configuration(_ environment: [String: String]) throws -> MailConfiguration {
        let base = ["MAIL_PROVIDER": "resend", "RESEND_API_KEY": "k", "MAIL_FROM_EMAIL": "a@b.example"]
        return try MailConfiguration(Settings(environment: base.merging(environment) { $1 }))
    }

    @Test("every provider is configured by its own settings")
    func providers() throws {
        #expect(try configuration([:]).provider == .resend(key: Secret("k")))
        #expect(try configuration([:]).sender.name == "Pomade Signer")
        let mailgun = [
            "MAIL_PROVIDER": "mailgun", "MAILGUN_API_KEY": "m", "MAILGUN_DOMAIN": "d.example",
            "MAILGUN_API_REGION": "eu",
        ]
        #expect(
            try configuration(mailgun).provider == .mailgun(key: Secret("m"), domain: "d.example", isEuropean: true)
        )
        let smtp = ["MAIL_PROVIDER": "smtp", "SMTP_HOST": "mail.example", "SMTP_USER": "u", "SMTP_PASSWORD": "p"]
        let server = SMTPServer(host: "mail.example", user: "u", password: Secret("p"))
        #expect(try configuration(smtp).provider == .smtp(server))
        for (name, key) in [
            ("postmark", "POSTMARK_API_TOKEN"), ("sendgrid", "SENDGRID_API_KEY"), ("sendlayer", "SENDLAYER_API_KEY"),
        ] {
            _ = try configuration(["MAIL_PROVIDER": name, key: "x"])
            let error = try #require(throws: MailConfigurationError.self) { try configuration(["MAIL_PROVIDER": name]) }
            #expect(error.description.hasPrefix(key))
        }
    }

    @Test(
        "a wrong setting is named",
        arguments: [
            (["MAIL_FROM_EMAIL": "nobody"], "MAIL_FROM_EMAIL"), (["MAIL_FROM_NAME": "a\nb"], "MAIL_FROM_NAME"),
            (["RESEND_API_KEY": "a\r\nX: y"], "RESEND_API_KEY"),
            (["MAIL_API_BASE": "http://elsewhere.example"], "MAIL_API_BASE"),
            (["MAIL_PROVIDER": "smtp", "SMTP_HOST": "a/b"], "SMTP_HOST"), (["MAIL_PROVIDER": "smtp"], "SMTP_HOST"),
            (["MAIL_PROVIDER": "smtp", "SMTP_HOST": "mail.example", "SMTP_USER": "u"], "SMTP_PASSWORD"),
            (
                ["MAIL_PROVIDER": "smtp", "SMTP_HOST": "mail.example", "ASSAY_SMTP_PLAIN_TEXT": "1"],
                "ASSAY_SMTP_PLAIN_TEXT"
            ),
            (["MAIL_PROVIDER": "mailgun", "MAILGUN_API_KEY": "m", "MAILGUN_DOMAIN": "a/../b"], "MAILGUN_DOMAIN"),
        ]
    )
    func wrong(_ environment: [String: String], named: String) throws {
        let error = try #require(throws: MailConfigurationError.self) { try configuration(environment) }
        #expect(error.description.hasPrefix(named))
    }
}
